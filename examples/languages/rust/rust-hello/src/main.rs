//! Greets whom its arguments name, counts what comes on stdin and reads a file that it may have been granted.

use std::{env, fs, io};

fn main() -> io::Result<()> {
    let names: Vec<String> = env::args().skip(1).collect();
    let greeting = env::var("GREETING").unwrap_or_else(|_| "Hello".to_string());
    let whom = if names.is_empty() { "world".to_string() } else { names.join(" ") };
    println!("{greeting}, {whom}!");

    let bytes = io::copy(&mut io::stdin().lock(), &mut io::sink())?;
    println!("stdin: {bytes} bytes");

    let note = fs::read_to_string("/data/note.txt").unwrap_or_else(|_| "none".to_string());
    println!("note: {}", note.lines().next().unwrap_or_default());
    Ok(())
}
