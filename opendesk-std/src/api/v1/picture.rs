//! Pictures, and what asks for them.

use super::form::{Form, Read};
use super::value::{Fault, Fields, Value};
use super::{Output, Params};
use crate::api::{
    CaptureParams, Error, ErrorCode, Picture, PictureFormat, PictureProfile, Rect, Result, ScreenState, ScreenUpdate,
    SubscribeParams,
};

/// The most pictures a second of a stream.
pub(super) const MAX_FPS: u32 = 30;

/// What our own controllers ask for the format with; others know only PNG and get nothing else.
const FORMAT: &str = "x-opendesk-format";

impl Params for CaptureParams {
    fn from_fields(fields: &mut Fields<'_>) -> Read<Self> {
        let downscale = fields.or("downscale", true)?;
        let format = fields.or(FORMAT, PictureFormat::Png)?;
        if !matches!(format, PictureFormat::Png | PictureFormat::RawRgba) {
            return Err(Fault::new("must be one of: png raw_rgba").within(FORMAT));
        }
        Ok(Self {
            display_id: fields.or("display_id", None)?,
            region: fields.or("region", None)?,
            profile: if downscale { PictureProfile::default() } else { PictureProfile::Native },
            format,
            ..Self::default()
        })
    }

    fn to_fields(&self) -> Result<Value<'_>> {
        check(self)?;
        let mut entries = vec![
            ("display_id", self.display_id.to_value()),
            ("region", self.region.to_value()),
            ("downscale", Value::Bool(self.profile != PictureProfile::Native)),
        ];
        entries.extend(wanted(self));
        Ok(Value::Map(entries))
    }
}

impl Params for SubscribeParams {
    fn from_fields(fields: &mut Fields<'_>) -> Read<Self> {
        let fps: i64 = fields.or("fps", i64::from(MAX_FPS))?;
        let fps = u32::try_from(fps.max(1)).unwrap_or(MAX_FPS).min(MAX_FPS);
        Ok(Self { capture: CaptureParams::from_fields(fields)?, fps })
    }

    fn to_fields(&self) -> Result<Value<'_>> {
        check(&self.capture)?;
        if self.capture.profile == PictureProfile::Native {
            let message = "a host of version 1 scales the pictures of a stream; leave out `native`";
            return Err(Error::new(ErrorCode::CapabilityUnsupported, message));
        }
        let mut entries = vec![
            ("display_id", self.capture.display_id.to_value()),
            ("fps", Value::Int(i64::from(self.fps.clamp(1, MAX_FPS)))),
            ("region", self.capture.region.to_value()),
        ];
        entries.extend(wanted(&self.capture));
        Ok(Value::Map(entries))
    }
}

/// Refuses what would silently be another picture.
fn check(params: &CaptureParams) -> Result<()> {
    if params.window_id.is_none() {
        return Ok(());
    }
    let message = "a host of version 1 has no pictures of single windows; give the window's bounds as the region";
    Err(Error::new(ErrorCode::CapabilityUnsupported, message))
}

fn wanted(params: &CaptureParams) -> Option<(&'static str, Value<'_>)> {
    (params.format != PictureFormat::Png).then(|| (FORMAT, params.format.to_value()))
}

impl Output for Picture {
    fn from_result(result: Value<'_>) -> Read<Self> {
        Self::from_value(result)
    }

    fn to_result(&self) -> Value<'_> {
        self.to_value()
    }
}

/// A picture, with these bytes as its content.
macro_rules! pixmap {
    ($picture:expr, $data:expr) => {
        Value::map([
            ("data", Value::Bin($data)),
            ("format", $picture.format.to_value()),
            ("width", $picture.width.to_value()),
            ("height", $picture.height.to_value()),
            ("logical_width", logical($picture.area.width)),
            ("logical_height", logical($picture.area.height)),
            ("display_id", $picture.display_id.to_value()),
            ("captured_at", $picture.captured_at.to_value()),
        ])
    };
}

/// Every item of version 1 is a whole picture.
impl Output for ScreenUpdate {
    fn from_result(result: Value<'_>) -> Read<Self> {
        let mut fields = Fields::of(result)?;
        fields.skip(&["frame_number", "keyframe"]);
        let picture: Picture = fields.need("pixmap")?;
        fields.end()?;
        Ok(picture.into())
    }

    fn to_result(&self) -> Value<'_> {
        self.to_item(0)
    }

    fn to_item(&self, number: u64) -> Value<'_> {
        let data = self.patches.first().map_or(&[][..], |patch| &patch.data);
        Value::map([
            ("pixmap", pixmap!(self, data)),
            ("frame_number", Value::Int(i64::try_from(number).unwrap_or(i64::MAX))),
            ("keyframe", Value::Bool(self.keyframe)),
        ])
    }
}

fn logical(extent: f64) -> Value<'static> {
    Value::Int(extent.round() as i64)
}

impl Form for Picture {
    fn from_value(value: Value<'_>) -> Read<Self> {
        let mut fields = Fields::of(value)?;
        let width: u32 = fields.need("logical_width")?;
        let height: u32 = fields.need("logical_height")?;
        let picture = Self {
            format: fields.or("format", PictureFormat::Png)?,
            width: fields.need("width")?,
            height: fields.need("height")?,
            // Where on the desktop it lies is not said.
            area: Rect::new(0.0, 0.0, f64::from(width), f64::from(height)),
            display_id: fields.or("display_id", None)?,
            captured_at: fields.or("captured_at", 0.0)?,
            shot_id: 0,
            screen: ScreenState::Shown,
            unchanged: false,
            data: fields.need("data")?,
        };
        fields.end()?;
        Ok(picture)
    }

    fn to_value(&self) -> Value<'_> {
        pixmap!(self, &self.data)
    }
}
