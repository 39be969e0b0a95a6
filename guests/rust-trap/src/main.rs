//! Traps in a module of its own, called from here, so that a backtrace has files and lines of two sources and of Rust's
//! core library to show. `_start` traps in a function that is inlined; the export `index` reads past an array.
#![no_std]
#![no_main]

mod depth;

#[panic_handler]
fn panicked(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}

#[no_mangle]
pub extern "C" fn _start() {
    depth::choose(depth::Kind::Inlined(0));
}

#[no_mangle]
pub extern "C" fn index(at: u32) -> i32 {
    depth::choose(depth::Kind::Index(at))
}
