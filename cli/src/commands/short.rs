//! `opendesk screenshot`, `type` and `click`: the tools that a person needs most.

use std::io::Read as _;
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use opendesk_core::limits;
use opendesk_std::api::{CaptureParams, Picture, PictureProfile, Rect};
use opendesk_std::clock;
use opendesk_std::home::{plain_text, printable};
use opendesk_std::tools::{Session, Target, about_screen};
use serde_json::{Value, json};

use super::pictures::file_name;
use super::{Context, save, within};
use crate::args::{self, ButtonName, Pixels};
use crate::exit::Failure;
use crate::output::{self, Stream};

/// What `--help` says below the options of `screenshot`.
pub(crate) const SCREENSHOT_HELP: &str = "\
It tells what of the desktop the picture shows, and how a point in it is named to `opendesk click`.";

/// What `--help` says below the options of `click`.
pub(crate) const CLICK_HELP: &str = "\
Nothing is remembered from one command to the next, so X and Y are pixels of the desktop, whatever
picture was taken before. Those are the pixels of a picture that was not scaled down, of the whole
desktop, where one pixel of the display is one of the desktop. To click what a scaled picture of the
whole desktop shows, say --pixels screenshot; it is refused if the point lies outside of it.";

/// What `--help` says below the options of `type`.
pub(crate) const TYPE_HELP: &str = "\
The text goes to whatever has the keyboard there; newlines and tabs are typed as their keys.";

pub(super) async fn screenshot(context: &Context, options: args::Screenshot) -> Result<(), Failure> {
    let params = CaptureParams {
        region: options.region.map(|[x, y, width, height]| Rect::new(x, y, width, height)),
        cursor: options.cursor,
        profile: if options.full_size { PictureProfile::Native } else { PictureProfile::Claude },
        ..CaptureParams::default()
    };
    let is_piped = options.out.as_ref().is_some_and(|path| path.as_os_str() == "-");
    if is_piped && context.json {
        return Err(Failure::usage(
            "--json and the picture itself cannot both be on standard output; give --out a file",
        ));
    }
    let peer = options.peer.as_deref();
    let (target, picture) = within(context, options.backend, async |session: &Session| {
        let target = session.target(peer)?;
        let picture = session.capture(&target, &params).await?;
        Ok((target, picture))
    })
    .await?;
    if is_piped {
        return output::bytes(Stream::Output, &picture.data).map_err(|error| output::unwritten(&error));
    }
    let path = options.out.unwrap_or_else(|| default_path(&target));
    save(&path, &picture.data)?;
    let Rect { x, y, width, height } = picture.area;
    let value = json!({
        "ok": true,
        "peer": target.name(),
        "file": path.display().to_string(),
        "width": picture.width,
        "height": picture.height,
        "area": {"x": x, "y": y, "width": width, "height": height},
        "screen": picture.screen,
    });
    output::result(context.json, &value, || {
        format!(
            "{}saved {}: {}x{} pixels, showing {width}x{height} of the desktop from {x},{y}.{}{}",
            printable(&target.prefix()),
            printable(&path.display().to_string()),
            picture.width,
            picture.height,
            pointing_at(&picture, &options.region),
            about_screen(picture.screen),
        )
    });
    Ok(())
}

/// How a pixel of the picture is named to `opendesk click`, where it is not by itself.
fn pointing_at(picture: &Picture, region: &Option<[f64; 4]>) -> String {
    let Rect { x, y, width, height } = picture.area;
    let (across, down) = (width / f64::from(picture.width), height / f64::from(picture.height));
    let is_scaled = (across, down) != (1.0, 1.0);
    if !is_scaled && (x, y) == (0.0, 0.0) {
        return String::new();
    }
    if is_scaled && region.is_none() && picture.width < picture.area.width as u32 {
        return " To click what it shows: `opendesk click --pixels screenshot`.".to_owned();
    }
    let scale = if is_scaled { format!(", times {across:.4} and {down:.4},") } else { String::new() };
    format!(" To click what it shows, count its pixels{scale} from {x},{y}.")
}

/// A name that says what and when; nothing of the kind is overwritten.
fn default_path(target: &Target) -> PathBuf {
    let now = Timestamp::try_from(clock::wall()).unwrap_or_default();
    let time = now.to_zoned(TimeZone::system()).strftime("%Y%m%d-%H%M%S").to_string();
    let stem = format!("screenshot-{}-{time}", file_name(target.name()));
    let numbered = (2_u32..).map(|number| PathBuf::from(format!("{stem}-{number}.png")));
    let mut paths = core::iter::once(PathBuf::from(format!("{stem}.png"))).chain(numbered);
    paths.find(|path| !path.exists()).unwrap_or_default()
}

pub(super) async fn type_text(context: &Context, options: args::Type) -> Result<(), Failure> {
    let text = if options.text == "-" { from_input()? } else { options.text };
    if text.is_empty() {
        return Err(Failure::usage("there is nothing to type: the text is empty"));
    }
    let arguments = json!({"action": "type", "text": text, "settle_ms": 0});
    let peer = options.peer.as_deref();
    let done = within(context, options.backend, async |session: &Session| {
        let target = session.target(peer)?;
        call(session, &target, peer, "keyboard", arguments).await
    });
    told(context, done.await?);
    Ok(())
}

/// All of standard input. What is more than one call types is read just so far that the host's limit is told.
fn from_input() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let unreadable = |error: std::io::Error| Failure::failed(format!("standard input cannot be read: {error}"));
    let most = limits::TEXT_BYTES as u64;
    std::io::stdin().lock().take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > limits::TEXT_BYTES {
        let message = format!("standard input has more than {most} bytes, and one call types {most}; split it");
        return Err(Failure::usage(message));
    }
    String::from_utf8(bytes).map_err(|_| Failure::usage("standard input is no text: it is not UTF-8"))
}

pub(super) async fn click(context: &Context, options: args::Click) -> Result<(), Failure> {
    let action = match (options.button, options.double) {
        (ButtonName::Left, false) => "click",
        (ButtonName::Left, true) => "double_click",
        (ButtonName::Right, false) => "right_click",
        (ButtonName::Middle, false) => "middle_click",
        (ButtonName::Right | ButtonName::Middle, true) => {
            return Err(Failure::usage("--double is for the left button; leave --button out"));
        }
    };
    let arguments = json!({"action": action, "x": options.x, "y": options.y, "settle_ms": 0});
    let peer = options.peer.as_deref();
    let done = within(context, options.backend, async |session: &Session| {
        let target = session.target(peer)?;
        if options.pixels == Pixels::Screenshot {
            // From now on the session counts in its pixels.
            let params = CaptureParams { profile: PictureProfile::Claude, ..CaptureParams::default() };
            session.capture(&target, &params).await?;
        }
        call(session, &target, peer, "mouse", arguments).await
    });
    told(context, done.await?);
    Ok(())
}

/// A tool's text, and where it was called.
struct Done {
    target: Target,
    text: String,
}

async fn call(
    session: &Session,
    target: &Target,
    peer: Option<&str>,
    tool: &str,
    mut arguments: Value,
) -> Result<Done, Failure> {
    if let Some(peer) = peer {
        arguments["peer"] = peer.into();
    }
    let given = session.try_tool(tool, arguments).await?;
    let text = given.all_text();
    if given.is_error {
        Err(Failure::of_tool(&given, plain_text(&text)))
    } else {
        Ok(Done { target: target.clone(), text })
    }
}

fn told(context: &Context, Done { target, text }: Done) {
    let value = json!({"ok": true, "peer": target.name(), "text": text});
    output::result(context.json, &value, || plain_text(&text));
}
