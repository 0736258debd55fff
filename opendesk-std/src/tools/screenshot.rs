//! `screenshot`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Block, Hints, Output, Tool, arguments, schema};
use crate::api::{CaptureParams, DisplayCapture, PictureProfile, Rect};
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
                profile: if full_size { PictureProfile::Native } else { PictureProfile::Claude },
                ..CaptureParams::default()
            };
            let picture = session.call::<DisplayCapture>(&target, &params).await?;
            let Rect { x, y, width, height } = picture.area;
            session.remember(&target, Mapping { picture: (picture.width, picture.height), area: picture.area });
            let text = format!(
                "{}Picture of {}x{} pixels, showing {width}x{height} of the desktop from {x},{y}. \
                 The coordinates of `mouse` are pixels of this picture.",
                target.prefix(),
                picture.width,
                picture.height,
            );
            let image = Block::Image { mime_type: "image/png", data: picture.data };
            Ok(Output { blocks: vec![Block::Text(text), image], is_error: false })
        })
    },
};

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
