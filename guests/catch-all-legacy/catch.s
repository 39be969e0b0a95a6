# int call_catching(void (*inside)(void)): 1 where a catch_all caught something, else 0. By the older try.
	.functype	call_catching (i32) -> (i32)
	.functype	throw_one () -> ()
	.tagtype	mark

	.globl	call_catching
	.type	call_catching,@function
call_catching:
	.functype	call_catching (i32) -> (i32)
	try	i32
	local.get	0
	call_indirect	() -> ()
	i32.const	0
	catch_all
	i32.const	1
	end_try
	end_function

	.globl	throw_one
	.type	throw_one,@function
throw_one:
	.functype	throw_one () -> ()
	throw	mark
	end_function

	.globl	mark
mark:
