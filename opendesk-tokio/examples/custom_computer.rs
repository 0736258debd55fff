//! A host whose desktop is the embedder's own, one colour that follows the pointer, driven by any paired controller.
//!
//! `cargo run -p opendesk-tokio --example custom_computer -- HOME`, then `opendesk pair-with` as it says, and
//! `opendesk call mouse '{"action": "move", "x": 200, "y": 40}'`. It runs until its standard input ends.

#![expect(clippy::print_stdout, reason = "a program that says how to reach it")]

use core::sync::atomic::{AtomicU8, Ordering::Relaxed};
use core::time::Duration;
use std::sync::Arc;

use opendesk_std::api::{Display, Effect, Error, Point, Rect, Result};
use opendesk_std::desktop::{CaptureArea, Computer, Frame};
use opendesk_std::{govern::AllowAll, home::Home};
use opendesk_tokio::HostOptions;

const AREA: Rect = Rect::new(0.0, 0.0, 256.0, 256.0);

/// A desktop of one colour: red is how far right the pointer is, green how far down.
#[derive(Debug, Default)]
struct Colour(AtomicU8, AtomicU8);

impl Computer for Colour {
    fn name(&self) -> &'static str {
        "colour"
    }
    fn capabilities(&self) -> Vec<&'static str> {
        vec!["display.capture", "input.pointer"]
    }
    fn displays(&self) -> Result<Vec<Display>> {
        Ok(vec![Display { id: "1".into(), bounds: AREA, scale_factor: 1.0, primary: true, name: None }])
    }
    fn capture(&self, area: &CaptureArea) -> Result<Frame> {
        area.region.is_none().then_some(()).ok_or_else(|| Error::invalid("pictures are of the whole desktop"))?;
        let pixels = [0, self.1.load(Relaxed), self.0.load(Relaxed), 0].repeat(256 * 256);
        Ok(Frame { width: 256, height: 256, pixels, area: AREA })
    }
    fn move_pointer(&self, to: Point) -> Result<Effect> {
        AREA.contains(to).then_some(()).ok_or_else(|| Error::invalid("the desktop has 256 by 256 pixels"))?;
        self.0.store(to.x as u8, Relaxed);
        self.1.store(to.y as u8, Relaxed);
        Ok(Effect::Confirmed)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> core::result::Result<(), Box<dyn core::error::Error>> {
    let home = Home::open(std::env::args_os().nth(1).map(Into::into))?;
    let (listen, computer, policy) = ("127.0.0.1:0".parse()?, Arc::new(Colour::default()), Box::new(AllowAll));
    let server = opendesk_tokio::serve(HostOptions { listen, policy, ..HostOptions::new(home, computer) })?;
    let (port, handle) = (server.local_addr().port(), server.handle());
    let running = tokio::spawn(server.run());
    let code = opendesk_std::pairing_code()?;
    handle.open_pairing(&code, Duration::from_secs(300)).await??;
    println!("opendesk pair-with 127.0.0.1 {code} --port {port}");
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await??;
    handle.stop();
    Ok(running.await?)
}
