use core::hint::black_box;

pub enum Kind {
    Inlined(i32),
    Index(u32),
}

#[inline(never)]
pub fn choose(kind: Kind) -> i32 {
    match black_box(kind) {
        Kind::Inlined(value) => trap_unless_positive(value) + 1,
        Kind::Index(at) => pick(&[1, 2, 3], at as usize) + 1,
    }
}

#[inline(always)]
fn trap_unless_positive(value: i32) -> i32 {
    if value <= 0 {
        core::arch::wasm32::unreachable();
    }
    value
}

#[inline(never)]
fn pick(numbers: &[i32], at: usize) -> i32 {
    numbers[black_box(at)]
}
