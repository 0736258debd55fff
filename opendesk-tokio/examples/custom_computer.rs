//! A host whose desktop is the embedder's own, one colour that follows the pointer; a controller pairs and drives it.
//!
//! `cargo run -p opendesk-tokio --example custom_computer`

#![expect(clippy::print_stdout, reason = "a program that says what it did")]

use core::sync::atomic::{AtomicU8, Ordering::Relaxed};
use core::time::Duration;
use std::sync::Arc;

use opendesk_std::Cancel;
use opendesk_std::api::{Button, Display, Error, Point, Press, Rect, Result};
use opendesk_std::api::{CaptureParams, PictureFormat, PointerAction, PointerEvent, TextInput};
use opendesk_std::desktop::{CaptureArea, Computer, Frame, Key};
use opendesk_std::govern::AllowAll;
use opendesk_std::home::Home;
use opendesk_tokio::{ConnectOptions, HostOptions, PairOptions};

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
        if area.region.is_some() || area.display_id.as_deref().is_some_and(|id| id != "1") {
            return Err(Error::invalid("the only picture here is that of the whole display \"1\""));
        }
        let pixels = [0, self.1.load(Relaxed), self.0.load(Relaxed), 0].repeat(256 * 256);
        Ok(Frame { width: 256, height: 256, pixels, area: AREA })
    }

    fn cursor_position(&self) -> Result<Point> {
        Ok(Point::new(self.0.load(Relaxed).into(), self.1.load(Relaxed).into()))
    }

    fn move_pointer(&self, to: Point) -> Result<()> {
        if !AREA.contains(to) {
            return Err(Error::invalid(format!("({}, {}) is not within 256 by 256 pixels", to.x, to.y)));
        }
        self.0.store(to.x as u8, Relaxed);
        self.1.store(to.y as u8, Relaxed);
        Ok(())
    }

    // Nothing here can be clicked or scrolled, so this has no effect and needs no code.
    fn button(&self, _: Button, _: Press) -> Result<()> {
        Ok(())
    }

    fn scroll(&self, _: f64, _: f64) -> Result<()> {
        Ok(())
    }

    // What is not there is refused by the name of the capability that is missing.
    fn key(&self, _: Key, _: Press) -> Result<()> {
        Err(Error::unsupported("input.keyboard", self.name()))
    }

    fn type_text(&self, _: &str, _: Duration, _: &Cancel) -> Result<()> {
        Err(Error::unsupported("input.text", self.name()))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> core::result::Result<(), Box<dyn core::error::Error>> {
    let folder = tempfile::tempdir()?;
    let home = |name: &str| Home::open(Some(folder.path().join(name)));
    let (computer, policy) = (Arc::new(Colour::default()), Box::new(AllowAll));
    let listen = "127.0.0.1:0".parse()?;
    let host = HostOptions { listen, home: home("host")?, computer, policy, audit: true, record: None };
    let server = opendesk_tokio::serve(host)?;
    let (address, handle) = (server.local_addr(), server.handle());
    let running = tokio::spawn(server.run());

    let code = opendesk_std::pairing_code()?;
    handle.open_pairing(&code, Duration::from_secs(60)).await??;
    let (host, port) = (address.ip().to_string(), address.port());
    let pairing = PairOptions { home: home("controller")?, host, port, code, name: None };
    let peer = opendesk_tokio::pair(&pairing).await?.name;
    let client = opendesk_tokio::connect(&ConnectOptions { home: home("controller")?, peer }).await?;

    let raw = CaptureParams { format: PictureFormat::RawRgba, ..CaptureParams::default() };
    let before = client.capture(&raw).await?.data;
    let (action, point) = (PointerAction::Move, Point::new(200.0, 40.0));
    client.pointer(&PointerEvent { action, point, button: None, modifiers: vec![], dx: 0.0, dy: 0.0 }).await?;
    let after = client.capture(&raw).await?.data;
    println!("the desktop was {:?} and is {:?}", &before[..3], &after[..3]);
    if let Err(refused) = client.text(&TextInput { text: "hello".into(), interval_ms: 0 }).await {
        println!("typing was refused: {refused}");
    }

    client.close().await;
    handle.stop();
    Ok(running.await?)
}
