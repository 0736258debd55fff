//! `screenshot`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::session::Session;
use super::target::Target;
use super::{Block, Hints, Output, Tool, ToolError, arguments, schema};
use crate::api::{CaptureParams, DisplayCapture, Picture, PictureFormat, PictureProfile, Rect, ScreenState};
use crate::picture::Mapping;

pub(super) const TOOL: Tool = Tool {
    name: "screenshot",
    title: "Take a screenshot",
    description: "Takes a picture of a desktop. The coordinates of `mouse` are pixels of the last picture of that \
                  desktop, so take one before you point at anything. The picture is scaled down to what vision models \
                  read well; give `region` to see a part in full detail.",
    hints: Hints { read_only: true, destructive: false, idempotent: true, open_world: false },
    schema: schema::of::<Arguments>,
    run: |session, given| {
        Box::pin(async move {
            let Arguments { peer, region, show_cursor, full_size } = arguments(given)?;
            let target = session.target(peer.as_deref())?;
            let params = CaptureParams {
                region: region.map(|[x, y, width, height]| Rect::new(x, y, width, height)),
                cursor: show_cursor,
                max_bytes: Some(MOST_BYTES),
                profile: if full_size { PictureProfile::Native } else { PictureProfile::Claude },
                ..CaptureParams::default()
            };
            let picture = session.capture(&target, &params).await?;
            let Rect { x, y, width, height } = picture.area;
            let text = format!(
                "{}Picture of {}x{} pixels, showing {width}x{height} of the desktop from {x},{y}. \
                 The coordinates of `mouse` are pixels of this picture.{}",
                target.prefix(),
                picture.width,
                picture.height,
                about_screen(picture.screen),
            );
            let image = Block::Image { mime_type: mime_type(picture.format)?, data: picture.data };
            Ok(Output { blocks: vec![Block::Text(text), image], is_error: false })
        })
    },
};

/// More than this does not fit an answer of some agents, base64 and the rest of it included.
const MOST_BYTES: u32 = 700_000;

impl Session {
    /// Takes a picture of a desktop. From now on the coordinates of the tool `mouse` are its pixels.
    ///
    /// # Errors
    /// Those of [`Session::call`].
    pub async fn capture(&self, target: &Target, params: &CaptureParams) -> Result<Picture, ToolError> {
        let key = self.key(target)?;
        let mut picture = self.call::<DisplayCapture>(target, params).await?;
        // A host of version 1 does not say where a part lies: it is where it was asked for.
        if let Some(asked) = params.region
            && (picture.area.x, picture.area.y) == (0.0, 0.0)
        {
            picture.area = Rect { x: asked.x.floor(), y: asked.y.floor(), ..picture.area };
        }
        self.remember(target, key, Mapping::of(&picture));
        Ok(picture)
    }
}

/// What has to be said of a picture that does not show the desktop; it begins with a space.
#[must_use]
pub const fn about_screen(screen: ScreenState) -> &'static str {
    match screen {
        ScreenState::Shown => "",
        ScreenState::Blank => {
            " All of it is one colour: the desktop shows nothing, or the machine lets nobody capture it; ask its owner."
        }
        ScreenState::Locked => " The screen is locked: only the person at the machine can unlock it.",
        ScreenState::Asleep => " The screen is switched off to save power; move the mouse to wake it.",
    }
}

fn mime_type(format: PictureFormat) -> Result<&'static str, ToolError> {
    match format {
        PictureFormat::Png => Ok("image/png"),
        PictureFormat::Jpeg => Ok("image/jpeg"),
        PictureFormat::Webp => Ok("image/webp"),
        PictureFormat::RawRgba | PictureFormat::RawRgb => {
            Err(ToolError::Arguments("the host sent a picture that was not asked for; update it".to_owned()))
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The paired machine whose desktop is meant, or `local`; see opendesk_peers.
    peer: Option<String>,
    /// A part of the desktop as [x, y, width, height] in desktop pixels; all of it when left out.
    region: Option<[f64; 4]>,
    /// Whether the mouse pointer is drawn into the picture.
    #[serde(default)]
    show_cursor: bool,
    /// Whether the picture keeps the desktop's own pixels instead of being scaled down.
    #[serde(default)]
    full_size: bool,
}
