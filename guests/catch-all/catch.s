# int call_catching(void (*inside)(void)): 1 where a catch_all caught something, else 0. By try_table (exnref).
	.functype	call_catching (i32) -> (i32)
	.functype	throw_one () -> ()
	.tagtype	mark

	.globl	call_catching
	.type	call_catching,@function
call_catching:
	.functype	call_catching (i32) -> (i32)
	block
	try_table (catch_all 0)
	local.get	0
	call_indirect	() -> ()
	end_try_table
	i32.const	0
	return
	end_block
	i32.const	1
	end_function

	.globl	throw_one
	.type	throw_one,@function
throw_one:
	.functype	throw_one () -> ()
	throw	mark
	end_function

	.globl	mark
mark:
