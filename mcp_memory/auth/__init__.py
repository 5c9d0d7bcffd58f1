"""Bearer tokens: who a request over HTTP is from."""
