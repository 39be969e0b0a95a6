// The calls of the probes: their imports from MODULE and the table that finds them by name.
#include <stdint.h>

typedef uint32_t u32;
typedef uint64_t u64;

// What stands for one parameter or a pair of them, in the order of the call:
//   i I   a number, 32 or 64 bits             s   a string: address, length
//   w r   buffers to write, to fill: address of the list, count
//   b     a buffer of the given length: address, length
//   2 4 8 a result of so many bytes           F S P   a result: fdstat, filestat, prestat
//   v     the two addresses of args_get       e   poll_oneoff's list, its events and their number
struct call {
  const char *name;
  const char *spec;
  u32 (*run)(const u64 *);
};

#define IMPORT(call) __attribute__((import_module(MODULE), import_name(#call)))
#define CALL0(n, s) \
  IMPORT(n) u32 raw_##n(void); \
  static u32 run_##n(const u64 *a) { (void)a; return raw_##n(); }
#define CALL1(n, s, A) \
  IMPORT(n) u32 raw_##n(A); \
  static u32 run_##n(const u64 *a) { return raw_##n((A)a[0]); }
#define CALL2(n, s, A, B) \
  IMPORT(n) u32 raw_##n(A, B); \
  static u32 run_##n(const u64 *a) { return raw_##n((A)a[0], (B)a[1]); }
#define CALL3(n, s, A, B, C) \
  IMPORT(n) u32 raw_##n(A, B, C); \
  static u32 run_##n(const u64 *a) { return raw_##n((A)a[0], (B)a[1], (C)a[2]); }
#define CALL4(n, s, A, B, C, D) \
  IMPORT(n) u32 raw_##n(A, B, C, D); \
  static u32 run_##n(const u64 *a) { return raw_##n((A)a[0], (B)a[1], (C)a[2], (D)a[3]); }
#define CALL5(n, s, A, B, C, D, E) \
  IMPORT(n) u32 raw_##n(A, B, C, D, E); \
  static u32 run_##n(const u64 *a) { return raw_##n((A)a[0], (B)a[1], (C)a[2], (D)a[3], (E)a[4]); }
#define CALL6(n, s, A, B, C, D, E, F) \
  IMPORT(n) u32 raw_##n(A, B, C, D, E, F); \
  static u32 run_##n(const u64 *a) { return raw_##n((A)a[0], (B)a[1], (C)a[2], (D)a[3], (E)a[4], (F)a[5]); }
#define CALL7(n, s, A, B, C, D, E, F, G) \
  IMPORT(n) u32 raw_##n(A, B, C, D, E, F, G); \
  static u32 run_##n(const u64 *a) { return raw_##n((A)a[0], (B)a[1], (C)a[2], (D)a[3], (E)a[4], (F)a[5], (G)a[6]); }
#define CALL9(n, s, A, B, C, D, E, F, G, H, I) \
  IMPORT(n) u32 raw_##n(A, B, C, D, E, F, G, H, I); \
  static u32 run_##n(const u64 *a) { \
    return raw_##n((A)a[0], (B)a[1], (C)a[2], (D)a[3], (E)a[4], (F)a[5], (G)a[6], (H)a[7], (I)a[8]); \
  }

#ifdef OLD_LAYOUT
#define SOCK_ACCEPT(X)
#else
#define SOCK_ACCEPT(X) X(3, sock_accept, "ii4", u32, u32, u32)
#endif

#define ALL_CALLS(X) \
  X(2, args_get, "v", u32, u32) \
  X(2, args_sizes_get, "44", u32, u32) \
  X(2, environ_get, "v", u32, u32) \
  X(2, environ_sizes_get, "44", u32, u32) \
  X(2, clock_res_get, "i8", u32, u32) \
  X(3, clock_time_get, "iI8", u32, u64, u32) \
  X(4, fd_advise, "iIIi", u32, u64, u64, u32) \
  X(3, fd_allocate, "iII", u32, u64, u64) \
  X(1, fd_close, "i", u32) \
  X(1, fd_datasync, "i", u32) \
  X(2, fd_fdstat_get, "iF", u32, u32) \
  X(2, fd_fdstat_set_flags, "ii", u32, u32) \
  X(3, fd_fdstat_set_rights, "iII", u32, u64, u64) \
  X(2, fd_filestat_get, "iS", u32, u32) \
  X(2, fd_filestat_set_size, "iI", u32, u64) \
  X(4, fd_filestat_set_times, "iIIi", u32, u64, u64, u32) \
  X(5, fd_pread, "irI4", u32, u32, u32, u64, u32) \
  X(2, fd_prestat_get, "iP", u32, u32) \
  X(3, fd_prestat_dir_name, "ib", u32, u32, u32) \
  X(5, fd_pwrite, "iwI4", u32, u32, u32, u64, u32) \
  X(4, fd_read, "ir4", u32, u32, u32, u32) \
  X(5, fd_readdir, "ibI4", u32, u32, u32, u64, u32) \
  X(2, fd_renumber, "ii", u32, u32) \
  X(4, fd_seek, "iIi8", u32, u64, u32, u32) \
  X(1, fd_sync, "i", u32) \
  X(2, fd_tell, "i8", u32, u32) \
  X(4, fd_write, "iw4", u32, u32, u32, u32) \
  X(3, path_create_directory, "is", u32, u32, u32) \
  X(5, path_filestat_get, "iisS", u32, u32, u32, u32, u32) \
  X(7, path_filestat_set_times, "iisIIi", u32, u32, u32, u32, u64, u64, u32) \
  X(7, path_link, "iisis", u32, u32, u32, u32, u32, u32, u32) \
  X(9, path_open, "iisiIIi4", u32, u32, u32, u32, u32, u64, u64, u32, u32) \
  X(6, path_readlink, "isb4", u32, u32, u32, u32, u32, u32) \
  X(3, path_remove_directory, "is", u32, u32, u32) \
  X(6, path_rename, "isis", u32, u32, u32, u32, u32, u32) \
  X(5, path_symlink, "sis", u32, u32, u32, u32, u32) \
  X(3, path_unlink_file, "is", u32, u32, u32) \
  X(4, poll_oneoff, "e4", u32, u32, u32, u32) \
  X(1, proc_raise, "i", u32) \
  X(0, sched_yield, "") \
  X(2, random_get, "b", u32, u32) \
  X(6, sock_recv, "iri42", u32, u32, u32, u32, u32, u32) \
  X(5, sock_send, "iwi4", u32, u32, u32, u32, u32) \
  X(2, sock_shutdown, "ii", u32, u32) \
  SOCK_ACCEPT(X)

#define DECLARE(arity, name, ...) CALL##arity(name, __VA_ARGS__)
ALL_CALLS(DECLARE)

IMPORT(proc_exit) _Noreturn void raw_proc_exit(u32);
static u32 run_proc_exit(const u64 *a) { raw_proc_exit((u32)a[0]); }

#define SPEC_OF(spec, ...) spec
#define ROW(arity, name, ...) {#name, SPEC_OF(__VA_ARGS__, 0), run_##name},
static const struct call calls[] = {ALL_CALLS(ROW){"proc_exit", "i", run_proc_exit}};
