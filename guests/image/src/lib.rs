//! An image library as a component: PNG in, PNG out, from bytes, files and streams.

use std::cell::RefCell;
use std::fs;

use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{DescriptorFlags, OpenFlags, PathFlags};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

use crate::bindings::exports::acme::image::resize::{
    Guest, GuestPicture, Options, Picture, Problem, Size,
};

mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "image",
        with: { "wasi:io/streams@0.2.4": wasip2::io::streams },
    });
}

struct Image;

/// Most pixels of one image.
const MOST_PIXELS: u64 = 1 << 28;

/// Eight bits for each of the samples of a pixel.
struct Pixels {
    size: Size,
    color: png::ColorType,
    bytes: Vec<u8>,
}

fn malformed(error: impl ToString) -> Problem {
    Problem::Malformed(error.to_string())
}

impl Pixels {
    fn decode(image: &[u8]) -> Result<Pixels, Problem> {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(image));
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info().map_err(malformed)?;
        let info = reader.info();
        let size = checked(Size { width: info.width, height: info.height })?;
        let length = reader.output_buffer_size().ok_or_else(|| malformed("it is too large"))?;
        let mut bytes = vec![0; length];
        let frame = reader.next_frame(&mut bytes).map_err(malformed)?;
        bytes.truncate(frame.buffer_size());
        Ok(Pixels { size, color: frame.color_type, bytes })
    }

    fn encode(&self) -> Result<Vec<u8>, Problem> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, self.size.width, self.size.height);
        encoder.set_color(self.color);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().map_err(malformed)?;
        writer.write_image_data(&self.bytes).map_err(malformed)?;
        writer.finish().map_err(malformed)?;
        Ok(out)
    }

    /// Each pixel is the mean of those that it stands for.
    fn resized(&self, options: &Options) -> Result<Pixels, Problem> {
        let (width, height) = (self.size.width, self.size.height);
        let scaled = (u64::from(height) * u64::from(options.width)).div_ceil(u64::from(width));
        let wanted = options.height.unwrap_or(scaled.min(u64::from(u32::MAX)) as u32);
        let size = checked(Size { width: options.width, height: wanted })?;
        let samples = self.color.samples();
        let mut bytes = Vec::with_capacity(size.width as usize * size.height as usize * samples);
        for row in 0..size.height {
            let rows = span(row, size.height, height);
            for column in 0..size.width {
                let columns = span(column, size.width, width);
                for sample in 0..samples {
                    let (mut sum, mut count) = (0u64, 0u64);
                    for y in rows.clone() {
                        for x in columns.clone() {
                            let at = (y as usize * width as usize + x as usize) * samples + sample;
                            sum += u64::from(self.bytes[at]);
                            count += 1;
                        }
                    }
                    bytes.push((sum / count) as u8);
                }
            }
        }
        Ok(Pixels { size, color: self.color, bytes })
    }
}

fn checked(size: Size) -> Result<Size, Problem> {
    let pixels = u64::from(size.width) * u64::from(size.height);
    if pixels == 0 || pixels > MOST_PIXELS { Err(Problem::BadSize(size)) } else { Ok(size) }
}

/// The pixels that one stands for, along one side.
fn span(at: u32, of: u32, length: u32) -> std::ops::Range<u32> {
    let place = |at: u32| (u64::from(at) * u64::from(length) / u64::from(of)) as u32;
    let first = place(at);
    first..place(at + 1).max(first + 1)
}

fn read_all(from: &InputStream) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    loop {
        match from.blocking_read(65_536) {
            Ok(more) => bytes.extend(more),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(error)) => return Err(Problem::Unreadable(error.to_debug_string())),
        }
    }
}

impl Guest for Image {
    type Picture = Kept;

    fn resize(image: Vec<u8>, options: Options) -> Result<Vec<u8>, Problem> {
        Pixels::decode(&image)?.resized(&options)?.encode()
    }

    fn resize_file(path: String, options: Options) -> Result<Vec<u8>, Problem> {
        let image = fs::read(&path).map_err(|error| Problem::Unreadable(format!("{path}: {error}")))?;
        Self::resize(image, options)
    }

    fn resize_stream(image: InputStream, to: &OutputStream, options: Options) -> Result<u64, Problem> {
        let resized = Self::resize(read_all(&image)?, options)?;
        for part in resized.chunks(4096) {
            to.blocking_write_and_flush(part).map_err(|error| Problem::Unreadable(error.to_string()))?;
        }
        Ok(resized.len() as u64)
    }

    fn open(path: String) -> Result<InputStream, Problem> {
        let unreadable = |why: &str| Problem::Unreadable(format!("{path}: {why}"));
        for (folder, name) in get_directories() {
            let Some(rest) = path.strip_prefix(&name).and_then(|rest| rest.strip_prefix('/')) else { continue };
            let file = folder
                .open_at(PathFlags::SYMLINK_FOLLOW, rest, OpenFlags::empty(), DescriptorFlags::READ)
                .map_err(|code| unreadable(code.name()))?;
            return file.read_via_stream(0).map_err(|code| unreadable(code.name()));
        }
        Err(unreadable("no folder has it"))
    }
}

struct Kept(RefCell<Pixels>);

impl GuestPicture for Kept {
    fn new(size: Size, gray: u8) -> Self {
        let bytes = vec![gray; size.width as usize * size.height as usize];
        Kept(RefCell::new(Pixels { size, color: png::ColorType::Grayscale, bytes }))
    }

    fn size(&self) -> Size {
        self.0.borrow().size
    }

    fn shift(&self, by: i16) {
        for sample in &mut self.0.borrow_mut().bytes {
            *sample = (i32::from(*sample) + i32::from(by)).clamp(0, 255) as u8;
        }
    }

    fn encode(&self) -> Result<Vec<u8>, Problem> {
        self.0.borrow().encode()
    }

    fn decode(image: Vec<u8>) -> Result<Picture, Problem> {
        Ok(Picture::new(Kept(RefCell::new(Pixels::decode(&image)?))))
    }
}

bindings::export!(Image with_types_in bindings);
