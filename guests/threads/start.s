# The first code of a thread: it sets the stack pointer, a global of its own instance, to the stack that the starter made.
  .globaltype __stack_pointer, i32
  .functype run_thread (i32, i32) -> ()

  .section .text.wasi_thread_start,"",@
  .globl wasi_thread_start
  .type wasi_thread_start,@function
  .export_name wasi_thread_start, wasi_thread_start
wasi_thread_start:
  .functype wasi_thread_start (i32, i32) -> ()
  local.get 1
  i32.load 0
  global.set __stack_pointer
  local.get 0
  local.get 1
  call run_thread
  end_function
