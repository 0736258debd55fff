//! Pictures, and what asks for them.

use super::form::{Form, Read};
use super::value::{Fault, Fields, Value};
use super::{Output, Params};
use crate::api::{CaptureParams, Picture, PictureFormat, PictureProfile, Rect, Result, SubscribeParams};

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
            cursor: false,
        })
    }

    fn to_fields(&self) -> Result<Value<'_>> {
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
        let mut entries = vec![
            ("display_id", self.capture.display_id.to_value()),
            ("fps", Value::Int(i64::from(self.fps.clamp(1, MAX_FPS)))),
            ("region", self.capture.region.to_value()),
        ];
        entries.extend(wanted(&self.capture));
        Ok(Value::Map(entries))
    }
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

    fn from_item(item: Value<'_>) -> Read<Self> {
        let mut fields = Fields::of(item)?;
        fields.skip(&["frame_number", "keyframe"]);
        let picture = fields.need("pixmap")?;
        fields.end()?;
        Ok(picture)
    }

    fn to_item(&self, number: u64) -> Value<'_> {
        Value::map([
            ("pixmap", self.to_value()),
            ("frame_number", Value::Int(i64::try_from(number).unwrap_or(i64::MAX))),
            ("keyframe", Value::Bool(true)),
        ])
    }
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
            data: fields.need("data")?,
        };
        fields.end()?;
        Ok(picture)
    }

    fn to_value(&self) -> Value<'_> {
        Value::map([
            ("data", self.data.to_value()),
            ("format", self.format.to_value()),
            ("width", self.width.to_value()),
            ("height", self.height.to_value()),
            ("logical_width", Value::Int(self.area.width.round() as i64)),
            ("logical_height", Value::Int(self.area.height.round() as i64)),
            ("display_id", self.display_id.to_value()),
            ("captured_at", self.captured_at.to_value()),
        ])
    }
}
