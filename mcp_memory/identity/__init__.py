"""Who is calling and which project it works on, from what its client tells."""
