// Threads (wasi-threads) with a start routine of our own: the sysroot's libc knows none, so that one thread at a time uses it.
// flags: -O2 -g -matomics -mbulk-memory -Wl,--import-memory,--export-memory,--shared-memory,--max-memory=16777216,--no-check-features
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define STACK 16384
#define SECOND 1000000000ll

__attribute__((import_module("wasi"), import_name("thread-spawn"))) int32_t thread_spawn(void *arg);

struct thread {
  char *stack_top;
  void (*run)(struct thread *);
  int32_t tid;
  int32_t is_done;
  int value;
};

static int32_t word;
static int32_t turn;
static int counter;
static char shared[64];

static int load(int32_t *at) { return __atomic_load_n(at, __ATOMIC_SEQ_CST); }

static void tell(int32_t *at, int32_t value) {
  __atomic_store_n(at, value, __ATOMIC_SEQ_CST);
  __builtin_wasm_memory_atomic_notify(at, 100);
}

static void await(int32_t *at, int32_t value) {
  for (int32_t now; (now = load(at)) != value;) __builtin_wasm_memory_atomic_wait32(at, now, -1);
}

void run_thread(int32_t tid, struct thread *thread) {
  thread->tid = tid;
  thread->run(thread);
  tell(&thread->is_done, 1);
}

static int start(struct thread *thread, void (*run)(struct thread *), int value) {
  memset(thread, 0, sizeof *thread);
  thread->stack_top = (char *)malloc(STACK) + STACK;
  thread->run = run;
  thread->value = value;
  return thread_spawn(thread);
}

static void join(struct thread *thread) { await(&thread->is_done, 1); }

static void count(struct thread *thread) {
  for (int i = 0; i < thread->value; i++) __atomic_fetch_add(&counter, 1, __ATOMIC_SEQ_CST);
}

static int run_counter(void) {
  struct thread threads[8];
  int sum = 0;
  for (int i = 0; i < 8; i++) {
    int tid = start(&threads[i], count, 100000);
    if (tid <= 0) return 1;
    sum += tid;
  }
  int tids = 0;
  for (int i = 0; i < 8; i++) {
    join(&threads[i]);
    tids += threads[i].tid;
  }
  printf("counted %d, numbers %s\n", counter, sum == tids ? "agree" : "differ");
  return 0;
}

static void answer(struct thread *thread) {
  for (int i = 0; i < thread->value; i++) {
    await(&turn, 1);
    tell(&turn, 0);
  }
}

static int run_ping_pong(void) {
  struct thread other;
  if (start(&other, answer, 1000) <= 0) return 1;
  for (int i = 0; i < 1000; i++) {
    tell(&turn, 1);
    await(&turn, 0);
  }
  join(&other);
  puts("1000 turns");
  return 0;
}

static void spin(struct thread *thread) {
  tell(&word, 1);
  for (volatile int i = 0;; i++);
}

static void block(struct thread *thread) {
  tell(&word, 1);
  for (;;) __builtin_wasm_memory_atomic_wait32(&turn, 0, -1);
}

static void read_input(struct thread *thread) {
  char byte;
  tell(&word, 1);
  read(0, &byte, 1);
  tell(&word, 2);
}

static void sleep_long(struct thread *thread) {
  tell(&word, 1);
  sleep(1000);
}

static void end(struct thread *thread) {
  await(&word, 1);
  _Exit(thread->value);
}

__attribute__((noinline)) static void fall(struct thread *thread) {
  await(&word, 1);
  __builtin_trap();
}

static int (*volatile deeper)(int);

static int over_deep(int depth) { return deeper(depth + 1) * 3 + depth; }

static void go_deep(struct thread *thread) {
  deeper = over_deep;
  thread->value = deeper(0);
}

static void (*busy_with(const char *name))(struct thread *) {
  if (strcmp(name, "spin") == 0) return spin;
  if (strcmp(name, "block") == 0) return block;
  if (strcmp(name, "read") == 0) return read_input;
  if (strcmp(name, "sleep") == 0) return sleep_long;
  return 0;
}

static struct thread one, two;

/* In the first thread something goes on while another thread ends the program. */
static int end_by_thread(const char *how, const char *busy) {
  if (start(&two, strcmp(how, "trap") == 0 ? fall : end, 7) <= 0) return 1;
  busy_with(busy)(&one);
  return 1;
}

/* In another thread something goes on while the first one ends the program. */
static int end_by_main(const char *how, const char *busy) {
  if (start(&one, busy_with(busy), 0) <= 0) return 1;
  await(&word, 1);
  if (strcmp(how, "exit") == 0) _Exit(9);
  if (strcmp(how, "trap") == 0) __builtin_trap();
  if (strcmp(how, "never") == 0) spin(&two);
  return 0;
}

static int run_limit(int wanted) {
  static struct thread threads[100];
  int started = 0;
  while (started < wanted && start(&threads[started], block, 0) > 0) started++;
  printf("started %d\n", started);
  return 0;
}

static void write_file(struct thread *thread) {
  int file = open("/d/between", O_WRONLY | O_CREAT | O_TRUNC);
  write(file, "from a thread", 13);
  thread->value = file;
}

static void read_file(struct thread *thread) {
  lseek(thread->value, 0, SEEK_SET);
  thread->value = read(thread->value, shared, sizeof shared);
}

static int run_files(void) {
  struct thread writer, reader;
  start(&writer, write_file, 0);
  join(&writer);
  close(writer.value);
  start(&reader, read_file, open("/d/between", O_RDONLY));
  join(&reader);
  printf("read \"%.*s\"\n", reader.value, shared);
  return 0;
}

static char *grown;

static void grow(struct thread *thread) {
  size_t size = __builtin_wasm_memory_size(0) * 65536;
  __builtin_wasm_memory_grow(0, 16);
  grown = (char *)size + 5 * 65536;
  strcpy(grown, "in grown memory\n");
}

/* What another thread's memory.grow gave is there for host calls and for clocks that are read without one. */
static int run_grow(void) {
  struct thread grower;
  start(&grower, grow, 0);
  join(&grower);
  struct timespec *now = (struct timespec *)(grown + 64);
  if (clock_gettime(CLOCK_REALTIME, now) != 0 || now->tv_sec == 0) return 1;
  if (getentropy(grown + 128, 64) != 0) return 2;
  struct pollfd none;
  if (poll(&none, 0, 1) != 0) return 3;
  return write(1, grown, 16) == 16 ? 0 : 4;
}

static void nothing(struct thread *thread) {}

static int run_many(int count) {
  for (int i = 1; i <= count; i++) {
    struct thread thread;
    if (start(&thread, nothing, 0) <= 0) return 1;
    join(&thread);
    free(thread.stack_top - STACK);
  }
  printf("%d threads\n", count);
  return 0;
}

static void note_time(struct thread *thread) {
  struct timespec pause = {0, 1000000}, before, after;
  char bytes[8] = {0};
  clock_gettime(CLOCK_MONOTONIC, &before);
  sched_yield();
  nanosleep(&pause, 0);
  getentropy(bytes, sizeof bytes);
  clock_gettime(CLOCK_MONOTONIC, &after);
  long long passed = (after.tv_sec - before.tv_sec) * SECOND + after.tv_nsec - before.tv_nsec;
  thread->value = passed >= pause.tv_nsec && *(int64_t *)bytes != 0;
}

static int run_local(void) {
  struct thread thread;
  start(&thread, note_time, 0);
  join(&thread);
  printf("slept and drew %d\n", thread.value);
  return 0;
}

/* One thread waits for input while others go on with calls of their own. */
static int run_beside(void) {
  if (start(&one, read_input, 0) <= 0) return 1;
  await(&word, 1);
  for (int i = 0; i < 100; i++) write(1, ".", 1);
  write(1, "\n", 1);
  await(&word, 2);
  puts("input came");
  return 0;
}

static int run_deep(void) {
  start(&one, go_deep, 0);
  join(&one);
  return 0;
}

/* For calls of exports: threads that go on between them. */
__attribute__((export_name("begin"))) int begin(void) { return start(&one, spin, 0); }
__attribute__((export_name("add"))) int add(int a, int b) { return a + b; }

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "counter") == 0) return run_counter();
  if (strcmp(what, "ping-pong") == 0) return run_ping_pong();
  if (strcmp(what, "thread") == 0) return end_by_thread(argv[2], argv[3]);
  if (strcmp(what, "main") == 0) return end_by_main(argv[2], argv[3]);
  if (strcmp(what, "limit") == 0) return run_limit(atoi(argv[2]));
  if (strcmp(what, "files") == 0) return run_files();
  if (strcmp(what, "grow") == 0) return run_grow();
  if (strcmp(what, "many") == 0) return run_many(atoi(argv[2]));
  if (strcmp(what, "local") == 0) return run_local();
  if (strcmp(what, "beside") == 0) return run_beside();
  if (strcmp(what, "deep") == 0) return run_deep();
  return 2;
}
