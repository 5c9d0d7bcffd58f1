/* Stands between a process and the disk, for the files below one folder.
 *
 * Preloaded (LD_PRELOAD), it takes the place of the calls of the C library that change
 * what is on a disk, and does three things with them, one at a time and in order:
 *
 *   record   with DISK_LOG, append each operation that succeeded, with its data;
 *   kill     SIGKILL the process just before, or just after, the N-th operation;
 *   fail     let operations fail with an errno, or write half of what they were given.
 *
 *   DISK_ROOT   the folder, absolute and without links; nothing outside it is looked at
 *   DISK_LOG    the file of the record, outside the folder
 *   DISK_PLAN   what to do; disk_plan() changes it in the running process:
 *     ""                                nothing
 *     "count KINDS"                     count only, see disk_count()
 *     "kill-before KINDS N"             N counts from one, and from when the plan was made
 *     "kill-after KINDS N"
 *     "fail KINDS ERRNO FROM COUNT"     COUNT operations from FROM on, 0 for all
 *     "short KINDS ERRNO FROM COUNT"    the same, but the first one, a write, is cut in half
 *
 * KINDS are letters of operations, "*" for all of them:
 *
 *   C create   W write    T truncate or extend   S sync of data   D sync of a folder
 *   R rename   U unlink   M make a folder        P change a mode
 *
 * In the record there are also "E", a sync that failed, and "N", what disk_note() said.
 * An entry is the kind, the lengths of two paths (16 bits each), an offset and the length
 * of the data (64 bits each), little-endian; then the paths and the data. The second path
 * is where a rename went.
 *
 * Which file a descriptor belongs to is asked of the kernel at each operation, so that
 * copies of descriptors, renames and files that were unlinked need no book-keeping. Not
 * seen: stores into mapped memory (of the engines', only SQLite's -shm file is mapped to be
 * written), times and owners, and stdio's writes (fwrite; no engine makes any). A test
 * compares with what strace sees.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define SAME(name) __attribute__((alias(#name)))
#define COPY_BYTES_MAX (1 << 20)

enum act { NOTHING, COUNT, KILL_BEFORE, KILL_AFTER, FAIL, CUT };

struct plan {
    enum act act;
    char kinds[32];
    int error;
    long from, count; /* of operations; count 0 is without end */
};

struct op {
    char kind;
    int error;       /* what it shall fail with, 0 to let it pass */
    bool is_cut;     /* write half of it */
    bool is_counted; /* the plan is about it */
    char path[PATH_MAX], other[PATH_MAX];
};

static char root[PATH_MAX];
static int log_file = -1;
static struct plan plan;
static long counted;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

/* --- the plan ------------------------------------------------------------------------ */

void disk_plan(const char *words)
{
    static const char *const names[] = {"", "count", "kill-before", "kill-after", "fail", "short"};
    struct plan made = {0};
    char name[16] = "";
    long one = 0, two = 0, three = 0;
    int found = sscanf(words, "%15s %31s %ld %ld %ld", name, made.kinds, &one, &two, &three);
    for (int act = 0; act < 6; act++)
        if (!strcmp(name, names[act]))
            made.act = act;
    bool is_fault = made.act == FAIL || made.act == CUT;
    if ((*name && made.act == NOTHING) || (is_fault && found != 5)) {
        fprintf(stderr, "the disk knows no such plan: %s\n", words);
        abort();
    }
    made.error = is_fault ? (int)one : 0;
    made.from = is_fault ? two : one;
    made.count = three;
    pthread_mutex_lock(&turn);
    plan = made;
    counted = 0;
    pthread_mutex_unlock(&turn);
}

long disk_count(void)
{
    pthread_mutex_lock(&turn);
    long count = counted;
    pthread_mutex_unlock(&turn);
    return count;
}

static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

static void apply_plan(struct op *op)
{
    if (plan.act == NOTHING || !(plan.kinds[0] == '*' || strchr(plan.kinds, op->kind)))
        return;
    op->is_counted = true;
    counted++;
    if (plan.act == KILL_BEFORE && counted == plan.from)
        die();
    if (plan.act != FAIL && plan.act != CUT)
        return;
    if (counted < plan.from || (plan.count && counted >= plan.from + plan.count))
        return;
    if (plan.act == CUT && counted == plan.from && op->kind == 'W')
        op->is_cut = true;
    else
        op->error = plan.error;
}

/* --- the record ---------------------------------------------------------------------- */

static void put_all(const void *data, size_t size)
{
    for (const char *at = data; size;) {
        long done = syscall(SYS_write, log_file, at, size);
        if (done <= 0)
            abort(); /* a record with a hole would prove nothing */
        at += done;
        size -= (size_t)done;
    }
}

static void record(const struct op *op, char kind, uint64_t offset, uint64_t size, const void *data)
{
    struct __attribute__((packed)) {
        char kind;
        uint16_t path, other;
        uint64_t offset, size;
    } head = {kind, (uint16_t)strlen(op->path), (uint16_t)strlen(op->other), offset, size};
    if (log_file < 0)
        return;
    put_all(&head, sizeof head);
    put_all(op->path, head.path);
    put_all(op->other, head.other);
    put_all(data, size);
}

void disk_note(const char *words)
{
    static struct op op;
    pthread_mutex_lock(&turn);
    record(&op, 'N', 0, strlen(words), words);
    pthread_mutex_unlock(&turn);
}

__attribute__((constructor)) static void begin(void)
{
    const char *folder = getenv("DISK_ROOT"), *log = getenv("DISK_LOG"), *words = getenv("DISK_PLAN");
    if (!folder)
        return;
    snprintf(root, sizeof root, "%s/", folder);
    if (log) {
        log_file = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (log_file < 0)
            abort();
    }
    disk_plan(words ? words : "");
}

/* --- which file ---------------------------------------------------------------------- */

static bool is_ours(const char *path)
{
    static const char gone[] = " (deleted)";
    size_t length = strlen(path), end = sizeof gone - 1;
    size_t above = strlen(root);
    bool is_root = length + 1 == above && !strncmp(path, root, length);
    return *root && (is_root || !strncmp(path, root, above)) &&
           !(length > end && !strcmp(path + length - end, gone));
}

static bool path_of(int fd, char *path)
{
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = 0;
    return length > 0;
}

/* The path without links, but for its last part, which need not exist. */
static bool resolve(int folder, const char *name, char *path)
{
    char whole[2 * PATH_MAX] = "", parent[PATH_MAX];
    if (!name || !*name || strlen(name) >= PATH_MAX)
        return false;
    if (*name != '/' && !(folder == AT_FDCWD ? getcwd(whole, PATH_MAX) != NULL : path_of(folder, whole)))
        return false;
    size_t length = strlen(whole);
    snprintf(whole + length, sizeof whole - length, "%s%s", *name == '/' ? "" : "/", name);
    char *last = strrchr(whole, '/');
    *last++ = 0;
    if (!realpath(*whole ? whole : "/", parent))
        return false;
    return snprintf(path, PATH_MAX, "%s/%s", parent, last) < PATH_MAX;
}

/* --- one operation ------------------------------------------------------------------- */

/* Take the turn if the operation is one below the root; `leave` gives it back. */
static bool enter(struct op *op, char kind, bool is_known)
{
    if (!is_known || !(is_ours(op->path) || is_ours(op->other)))
        return false;
    op->kind = kind;
    op->error = 0;
    op->is_cut = op->is_counted = false;
    pthread_mutex_lock(&turn);
    apply_plan(op);
    return true;
}

static bool enter_fd(struct op *op, char kind, int fd)
{
    int saved = errno;
    op->other[0] = 0;
    bool is_entered = *root && enter(op, kind, path_of(fd, op->path));
    errno = saved;
    return is_entered;
}

static bool enter_path(struct op *op, char kind, int folder, const char *name)
{
    int saved = errno;
    op->other[0] = 0;
    bool is_entered = *root && enter(op, kind, resolve(folder, name, op->path));
    errno = saved;
    return is_entered;
}

static long leave(struct op *op, long result, uint64_t offset, const void *data)
{
    int saved = op->error ? op->error : errno;
    bool is_sync = op->kind == 'S' || op->kind == 'D';
    if (result >= 0)
        record(op, op->kind, offset, op->kind == 'W' ? (uint64_t)result : 0, data);
    else if (is_sync)
        record(op, 'E', 0, 0, NULL);
    if (plan.act == KILL_AFTER && op->is_counted && counted == plan.from)
        die();
    pthread_mutex_unlock(&turn);
    errno = saved;
    return result;
}

/* --- opening ------------------------------------------------------------------------- */

static int open_file(int folder, const char *name, int flags, mode_t mode)
{
    struct op op;
    struct stat there;
    bool is_there = !fstatat(folder, name, &there, 0);
    bool creates = (flags & O_CREAT) && !is_there;
    bool empties = (flags & O_TRUNC) && is_there && there.st_size;
    if (!(creates || empties) || !enter_path(&op, creates ? 'C' : 'T', folder, name))
        return (int)syscall(SYS_openat, folder, name, flags, mode);
    return (int)leave(&op, op.error ? -1 : syscall(SYS_openat, folder, name, flags, mode), 0, NULL);
}

#define MODE_OF(flags)                                                                     \
    mode_t mode = 0;                                                                       \
    if (((flags) & O_CREAT) || ((flags) & O_TMPFILE) == O_TMPFILE) {                       \
        va_list rest;                                                                      \
        va_start(rest, flags);                                                             \
        mode = va_arg(rest, mode_t);                                                       \
        va_end(rest);                                                                      \
    }

int open(const char *name, int flags, ...)
{
    MODE_OF(flags)
    return open_file(AT_FDCWD, name, flags, mode);
}

int openat(int folder, const char *name, int flags, ...)
{
    MODE_OF(flags)
    return open_file(folder, name, flags, mode);
}

int creat(const char *name, mode_t mode)
{
    return open_file(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int open64(const char *, int, ...) SAME(open);
int openat64(int, const char *, int, ...) SAME(openat);
int creat64(const char *, mode_t) SAME(creat);

/* --- writing ------------------------------------------------------------------------- */

static off_t place_of(int fd)
{
    struct stat now;
    if ((fcntl(fd, F_GETFL) & O_APPEND) && !fstat(fd, &now))
        return now.st_size;
    return lseek(fd, 0, SEEK_CUR);
}

/* Write at `offset`, or where the descriptor stands when that is -1. */
static ssize_t put(int fd, const void *data, size_t size, off_t offset)
{
    struct op op;
    bool is_ours = enter_fd(&op, 'W', fd);
    if (is_ours && op.is_cut && size > 1)
        size /= 2;
    off_t place = is_ours && offset < 0 ? place_of(fd) : offset;
    long done = -1;
    if (!is_ours || !op.error)
        done = offset < 0 ? syscall(SYS_write, fd, data, size)
                          : syscall(SYS_pwrite64, fd, data, size, offset);
    return is_ours ? leave(&op, done, (uint64_t)place, data) : done;
}

static ssize_t put_parts(int fd, const struct iovec *parts, int count, off_t offset)
{
    size_t size = 0;
    for (int n = 0; n < count; n++)
        size += parts[n].iov_len;
    char *whole = malloc(size + 1), *at = whole;
    if (!whole)
        abort();
    for (int n = 0; n < count; n++)
        at = mempcpy(at, parts[n].iov_base, parts[n].iov_len);
    ssize_t done = put(fd, whole, size, offset);
    int saved = errno;
    free(whole);
    errno = saved;
    return done;
}

ssize_t write(int fd, const void *data, size_t size)
{
    return put(fd, data, size, -1);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    return put(fd, data, size, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return put_parts(fd, parts, count, -1);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    return put_parts(fd, parts, count, offset);
}

ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
    (void)flags;
    return put_parts(fd, parts, count, offset);
}

ssize_t pwrite64(int, const void *, size_t, off64_t) SAME(pwrite);
ssize_t pwritev64(int, const struct iovec *, int, off64_t) SAME(pwritev);
ssize_t pwritev64v2(int, const struct iovec *, int, off64_t, int) SAME(pwritev2);

/* What the kernel would copy is read and written, so that it can be seen. */
static ssize_t copy(int to, off_t *to_offset, int from, off_t *from_offset, size_t size)
{
    char *data = malloc(COPY_BYTES_MAX);
    if (!data)
        abort();
    size = size < COPY_BYTES_MAX ? size : COPY_BYTES_MAX;
    ssize_t got = from_offset ? pread(from, data, size, *from_offset) : read(from, data, size);
    ssize_t done = got > 0 ? put(to, data, (size_t)got, to_offset ? *to_offset : -1) : got;
    int saved = errno;
    ssize_t moved = done > 0 ? done : 0;
    if (from_offset)
        *from_offset += moved;
    else if (got > moved)
        lseek(from, moved - got, SEEK_CUR);
    if (to_offset)
        *to_offset += moved;
    free(data);
    errno = saved;
    return done;
}

static bool is_below(int fd)
{
    char path[PATH_MAX];
    int saved = errno;
    bool found = *root && path_of(fd, path) && is_ours(path);
    errno = saved;
    return found;
}

ssize_t sendfile(int to, int from, off_t *offset, size_t size)
{
    if (!is_below(to))
        return syscall(SYS_sendfile, to, from, offset, size);
    return copy(to, NULL, from, offset, size);
}

ssize_t copy_file_range(int from, off64_t *from_offset, int to, off64_t *to_offset, size_t size, unsigned flags)
{
    if (!is_below(to))
        return syscall(SYS_copy_file_range, from, from_offset, to, to_offset, size, flags);
    return copy(to, to_offset, from, from_offset, size);
}

ssize_t sendfile64(int, int, off64_t *, size_t) SAME(sendfile);

/* --- lengths ------------------------------------------------------------------------- */

int ftruncate(int fd, off_t size)
{
    struct op op;
    if (!enter_fd(&op, 'T', fd))
        return (int)syscall(SYS_ftruncate, fd, size);
    return (int)leave(&op, op.error ? -1 : syscall(SYS_ftruncate, fd, size), (uint64_t)size, NULL);
}

int truncate(const char *name, off_t size)
{
    struct op op;
    if (!enter_path(&op, 'T', AT_FDCWD, name))
        return (int)syscall(SYS_truncate, name, size);
    return (int)leave(&op, op.error ? -1 : syscall(SYS_truncate, name, size), (uint64_t)size, NULL);
}

/* Room beyond the end is an extension; a hole is zeros written inside the file. */
int fallocate(int fd, int mode, off_t offset, off_t size)
{
    struct op op;
    struct stat now;
    bool is_hole = mode & FALLOC_FL_PUNCH_HOLE;
    if (!enter_fd(&op, is_hole ? 'W' : 'T', fd))
        return (int)syscall(SYS_fallocate, fd, mode, offset, size);
    if (mode & ~(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
        abort(); /* nobody is known to use the others */
    long done = op.error ? -1 : syscall(SYS_fallocate, fd, mode, offset, size);
    if (done < 0 || fstat(fd, &now))
        return (int)leave(&op, -1, 0, NULL);
    if (!is_hole)
        return (int)leave(&op, 0, (uint64_t)now.st_size, NULL);
    off_t end = offset + size < now.st_size ? offset + size : now.st_size;
    void *zeros = calloc(1, end > offset ? (size_t)(end - offset) : 1);
    if (!zeros)
        abort();
    leave(&op, end > offset ? end - offset : 0, (uint64_t)offset, zeros);
    free(zeros);
    return 0;
}

int posix_fallocate(int fd, off_t offset, off_t size)
{
    return fallocate(fd, 0, offset, size) ? errno : 0;
}

int ftruncate64(int, off64_t) SAME(ftruncate);
int truncate64(const char *, off64_t) SAME(truncate);
int fallocate64(int, int, off64_t, off64_t) SAME(fallocate);
int posix_fallocate64(int, off64_t, off64_t) SAME(posix_fallocate);

/* --- syncing ------------------------------------------------------------------------- */

static int sync_file(int fd, long call)
{
    struct op op;
    struct stat now;
    bool is_folder = !fstat(fd, &now) && S_ISDIR(now.st_mode);
    if (!enter_fd(&op, is_folder ? 'D' : 'S', fd))
        return (int)syscall(call, fd);
    return (int)leave(&op, op.error ? -1 : syscall(call, fd), 0, NULL);
}

int fsync(int fd)
{
    return sync_file(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return sync_file(fd, SYS_fdatasync);
}

/* --- names --------------------------------------------------------------------------- */

int renameat2(int from, const char *name, int to, const char *target, unsigned flags)
{
    struct op op;
    op.path[0] = op.other[0] = 0;
    bool is_known = *root && resolve(from, name, op.path) && resolve(to, target, op.other);
    if (!enter(&op, 'R', is_known))
        return (int)syscall(SYS_renameat2, from, name, to, target, flags);
    return (int)leave(&op, op.error ? -1 : syscall(SYS_renameat2, from, name, to, target, flags), 0, NULL);
}

int renameat(int from, const char *name, int to, const char *target)
{
    return renameat2(from, name, to, target, 0);
}

int rename(const char *name, const char *target)
{
    return renameat2(AT_FDCWD, name, AT_FDCWD, target, 0);
}

int unlinkat(int folder, const char *name, int flags)
{
    struct op op;
    if (!enter_path(&op, 'U', folder, name))
        return (int)syscall(SYS_unlinkat, folder, name, flags);
    return (int)leave(&op, op.error ? -1 : syscall(SYS_unlinkat, folder, name, flags), 0, NULL);
}

int unlink(const char *name)
{
    return unlinkat(AT_FDCWD, name, 0);
}

int rmdir(const char *name)
{
    return unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
}

int remove(const char *name)
{
    struct stat there;
    bool is_folder = !lstat(name, &there) && S_ISDIR(there.st_mode);
    return unlinkat(AT_FDCWD, name, is_folder ? AT_REMOVEDIR : 0);
}

int mkdirat(int folder, const char *name, mode_t mode)
{
    struct op op;
    if (!enter_path(&op, 'M', folder, name))
        return (int)syscall(SYS_mkdirat, folder, name, mode);
    return (int)leave(&op, op.error ? -1 : syscall(SYS_mkdirat, folder, name, mode), 0, NULL);
}

int mkdir(const char *name, mode_t mode)
{
    return mkdirat(AT_FDCWD, name, mode);
}

/* --- modes --------------------------------------------------------------------------- */

int fchmod(int fd, mode_t mode)
{
    struct op op;
    if (!enter_fd(&op, 'P', fd))
        return (int)syscall(SYS_fchmod, fd, mode);
    return (int)leave(&op, op.error ? -1 : syscall(SYS_fchmod, fd, mode), mode, NULL);
}

int chmod(const char *name, mode_t mode)
{
    struct op op;
    if (!enter_path(&op, 'P', AT_FDCWD, name))
        return (int)syscall(SYS_fchmodat, AT_FDCWD, name, mode, 0);
    return (int)leave(&op, op.error ? -1 : syscall(SYS_fchmodat, AT_FDCWD, name, mode, 0), mode, NULL);
}
