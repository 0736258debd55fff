//! `screenshot`.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::aside::aside;
use super::beforehand::Sensible;
use super::marks::Marks;
use super::session::Session;
use super::shots::Shot;
use super::target::Target;
use super::{Block, Hints, Output, Tool, ToolError, arguments, for_agents, schema};
use crate::api::{CaptureParams, Display, DisplayCapture, Picture, PictureFormat, PictureProfile, Rect, ScreenState};
use crate::home::plain_text;
use crate::picture::{Mapping, fit, numbered};

pub(super) const TOOL: Tool = Tool {
    name: "screenshot",
    title: "Take a screenshot",
    description: "Takes a picture of a desktop, scaled down to what vision models read well. Its shot_id names it: the \
                  coordinates of `mouse` are pixels of the last picture of that desktop, or of the one that `shot_id` \
                  names. `zoom` shows a part in full detail, `marks` numbers what can be clicked.",
    hints: Hints { read_only: true, destructive: false, idempotent: true, open_world: false },
    schema: schema::of::<Arguments>,
    run: |session, given| {
        Box::pin(async move {
            let asked: Arguments = arguments(given)?;
            let target = session.target(asked.peer.as_deref())?;
            let wanted = wanted(session, &target, asked).await?;
            let taken = session.take(&target, &wanted.params, wanted.marks).await?;
            let text = format!("{}{}{}", target.prefix(), wanted.about, taken.text);
            let mut blocks = vec![Block::Text(text)];
            blocks.extend(taken.image);
            Ok(Output::of(blocks))
        })
    },
};

/// More than this does not fit an answer of some agents, base64 and the rest of it included.
pub(super) const MOST_BYTES: u32 = 700_000;

/// What a peer sends of a picture that is drawn on here.
const MOST_BYTES_BEFORE: u32 = 4_000_000;

/// Displays that are told beside a picture.
const MOST_DISPLAYS: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
enum ProfileName {
    #[serde(rename = "claude")]
    Claude,
    #[serde(rename = "claude-hires")]
    ClaudeHires,
    #[serde(rename = "openai")]
    Openai,
    #[serde(rename = "native")]
    Native,
}

impl From<ProfileName> for PictureProfile {
    fn from(name: ProfileName) -> Self {
        match name {
            ProfileName::Claude => Self::Claude,
            ProfileName::ClaudeHires => Self::ClaudeHires,
            ProfileName::Openai => Self::Openai,
            ProfileName::Native => Self::Native,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum EncodingName {
    Png,
    Jpeg,
    Webp,
}

impl From<EncodingName> for PictureFormat {
    fn from(name: EncodingName) -> Self {
        match name {
            EncodingName::Png => Self::Png,
            EncodingName::Jpeg => Self::Jpeg,
            EncodingName::Webp => Self::Webp,
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// The paired machine whose desktop is meant, or `local`; see opendesk_peers.
    peer: Option<String>,
    /// A part of the desktop as [x, y, width, height] in desktop pixels; all of it when left out.
    region: Option<[f64; 4]>,
    /// A part of an earlier picture as [x0, y0, x1, y1] in its pixels, in full detail.
    zoom: Option<[f64; 4]>,
    /// The picture that `zoom` counts in; the last one when left out.
    shot_id: Option<String>,
    /// One window, by its id from the tool app.
    window: Option<String>,
    /// One display, by its id as pictures tell it.
    display: Option<String>,
    /// Whether the mouse pointer is drawn into the picture.
    #[serde(default)]
    show_cursor: bool,
    /// Whether what can be clicked in the window in use is numbered, for `mark` of `mouse`.
    #[serde(default)]
    marks: bool,
    /// How far it is scaled down: claude (when left out), claude-hires, openai, or native, not at all.
    profile: Option<ProfileName>,
    /// Its encoding: png when left out; jpeg is taken where a picture would be too large.
    encoding: Option<EncodingName>,
    /// The shot_id of an earlier picture: if it would show the same again, only that is said.
    unless_shot: Option<String>,
}

/// A picture that is to be taken.
struct Wanted {
    params: CaptureParams,
    marks: bool,
    /// What is said of it, ending with a space.
    about: String,
}

impl Sensible for Arguments {
    fn check(&self) -> Result<(), ToolError> {
        if self.zoom.is_some() && (self.region.is_some() || self.window.is_some() || self.display.is_some()) {
            return Err(wrong("`zoom` is of a picture; leave `region`, `window` and `display` out"));
        }
        if self.window.is_some() && self.display.is_some() {
            return Err(wrong("a picture is of a window or of a display, not of both; leave one out"));
        }
        if self.shot_id.is_some() && self.zoom.is_none() {
            return Err(wrong(
                "`shot_id` says what `zoom` counts in; give `zoom`, or `unless_shot` to ask for changes",
            ));
        }
        Ok(())
    }
}

async fn wanted(session: &Session, target: &Target, asked: Arguments) -> Result<Wanted, ToolError> {
    asked.check()?;
    let has_view = asked.region.is_some() || asked.zoom.is_some() || asked.window.is_some() || asked.display.is_some();
    let known = match &asked.unless_shot {
        Some(id) => session.shot(target, Some(id))?,
        None => None,
    };
    let mut about = String::new();
    let mut params = match (asked.zoom, &known) {
        (Some(corners), _) => {
            let shot = session.shot(target, asked.shot_id.as_deref())?;
            let shot =
                shot.ok_or_else(|| wrong("`zoom` needs an earlier picture; take a screenshot, or give `shot_id`"))?;
            about = format!("A part of {}. ", shot.id);
            zoomed(session, &shot, corners).await?
        }
        // The same view once more.
        (None, Some(shot)) if !has_view => shot.asked.clone(),
        _ => CaptureParams {
            region: asked.region.map(region).transpose()?,
            display_id: asked.display,
            window_id: asked.window,
            ..CaptureParams::default()
        },
    };
    if let Some(profile) = asked.profile {
        params.profile = profile.into();
    }
    if let Some(encoding) = asked.encoding {
        params.format = encoding.into();
    }
    params.cursor |= asked.show_cursor;
    params.max_bytes = Some(session.caller.most_bytes());
    // A picture without numbers is not the same as one with them.
    let is_like = |shot: &&Arc<Shot>| shot.marks.is_some() == asked.marks;
    params.unless_shot = known.as_ref().filter(is_like).and_then(|shot| shot.asked_again().unless_shot);
    Ok(Wanted { params, marks: asked.marks, about })
}

/// What asks for a part of a picture at the resolution of the device.
async fn zoomed(session: &Session, shot: &Shot, corners: [f64; 4]) -> Result<CaptureParams, ToolError> {
    let part = shot.mapping.part(corners).ok_or_else(|| {
        let (width, height) = shot.mapping.picture;
        wrong(&format!(
            "`zoom` is [x0, y0, x1, y1] with x0 < x1 and y0 < y1 within the {width}x{height} pixels of the picture {}",
            shot.id
        ))
    })?;
    session.still(shot, &[]).await?;
    let CaptureParams { display_id, window_id, .. } = shot.asked.clone();
    Ok(CaptureParams { region: Some(part), display_id, window_id, ..CaptureParams::default() })
}

/// Whether it lies on the desktop only the desktop knows.
fn region([x, y, width, height]: [f64; 4]) -> Result<Rect, ToolError> {
    let is_finite = [x, y, width, height].into_iter().all(f64::is_finite);
    if is_finite && width > 0.0 && height > 0.0 {
        return Ok(Rect::new(x, y, width, height));
    }
    Err(wrong(&format!("`region` is [x, y, width, height] with a width and height above 0, not {width} by {height}")))
}

fn wrong(why: &str) -> ToolError {
    ToolError::Arguments(why.to_owned())
}

/// What came of a picture that was to be taken.
pub(super) struct Taken {
    /// What is told of it.
    pub(super) text: String,
    /// Nothing where nothing has changed.
    pub(super) image: Option<Block>,
}

impl Session {
    /// Takes a picture of a desktop. From now on the coordinates of the tool `mouse` are its pixels.
    ///
    /// # Errors
    /// Those of [`Session::call`].
    pub async fn capture(&self, target: &Target, params: &CaptureParams) -> Result<Picture, ToolError> {
        let before = self.before(target, params).await?;
        let picture = self.pixels(target, params).await?;
        if !picture.unchanged || self.show_again(target, picture.shot_id, &before).is_none() {
            self.show(target, params, before, &picture, None);
        }
        Ok(picture)
    }

    /// Takes a picture and tells of it, with numbers on what can be clicked if `marks` says so.
    ///
    /// # Errors
    /// Those of [`Session::call`].
    pub(super) async fn take(&self, target: &Target, params: &CaptureParams, marks: bool) -> Result<Taken, ToolError> {
        let before = self.before(target, params).await?;
        let drawn_on = CaptureParams { max_bytes: Some(MOST_BYTES_BEFORE), ..params.clone() };
        let asked = if marks { &drawn_on } else { params };
        let mut picture = self.pixels(target, asked).await?;
        if picture.unchanged {
            if let Some(shot) = self.show_again(target, picture.shot_id, &before) {
                return Ok(Taken { text: unchanged(&shot, &picture), image: None });
            }
            picture = self.pixels(target, &CaptureParams { unless_shot: None, ..asked.clone() }).await?;
        }
        let (mut found, mut unnumbered) = (None, String::new());
        if marks {
            match self.numbered(target, params, picture.clone()).await {
                Ok((drawn, numbers)) => (picture, found) = (drawn, Some(numbers)),
                Err(error) => {
                    picture = fitting(picture, params).await?;
                    unnumbered = format!("\nNothing could be numbered: {}", for_agents(&error));
                }
            }
        }
        let displays = before.displays.clone();
        let mime_type = mime_type(picture.format)?;
        let shot = self.show(target, params, before, &picture, found);
        let mut text = describe(&shot, &picture, &displays);
        if let Some(marks) = &shot.marks {
            text.push('\n');
            text.push_str(&marks.list(&shot.mapping)?);
        }
        text.push_str(&unnumbered);
        Ok(Taken { text, image: Some(Block::Image { mime_type, data: picture.data }) })
    }

    /// A picture that nobody is shown yet.
    pub(super) async fn pixels(&self, target: &Target, params: &CaptureParams) -> Result<Picture, ToolError> {
        let mut picture = self.call::<DisplayCapture>(target, params).await?;
        // A host of version 1 does not say where a part lies: it is where it was asked for.
        if let Some(asked) = params.region
            && (picture.area.x, picture.area.y) == (0.0, 0.0)
        {
            picture.area = Rect { x: asked.x.floor(), y: asked.y.floor(), ..picture.area };
        }
        Ok(picture)
    }

    async fn numbered(
        &self,
        target: &Target,
        params: &CaptureParams,
        picture: Picture,
    ) -> Result<(Picture, Marks), ToolError> {
        let scene = self.scene(target, Some(picture.area), params.window_id.as_deref()).await?;
        let mapping = Mapping::of(&picture);
        let marks = Marks::of(&scene, &mapping);
        let (boxes, format, most) = (marks.boxes(&mapping), params.format, params.max_bytes);
        let drawn = aside(move || numbered(picture, &boxes, format, most)).await?;
        Ok((drawn, marks))
    }
}

/// A picture that was to be drawn on, within the budget of one that is not.
async fn fitting(picture: Picture, params: &CaptureParams) -> Result<Picture, ToolError> {
    match params.max_bytes {
        Some(most) if picture.data.len() > most as usize => {
            let format = params.format;
            aside(move || numbered(picture, &[], format, Some(most))).await
        }
        _ => Ok(picture),
    }
}

fn unchanged(shot: &Shot, picture: &Picture) -> String {
    format!(
        "Nothing has changed since the picture {}: it counts as the last one, and its pixels are still right.{}",
        shot.id,
        about_screen(picture.screen)
    )
}

/// What is told of a picture.
fn describe(shot: &Shot, picture: &Picture, displays: &[Display]) -> String {
    let Rect { x, y, width, height } = picture.area;
    let format = format!("{:?}", picture.format).to_lowercase();
    let mut text = format!(
        "Picture of {}x{} pixels, showing {width}x{height} of the desktop from {x},{y}. shot_id {}, {format}, {:.3} \
         pixels per desktop pixel.",
        picture.width,
        picture.height,
        shot.id,
        f64::from(picture.width) / width,
    );
    if let Some(id) = &shot.asked.window_id {
        text.push_str(&format!(" It shows the window {:?}.", plain_text(id)));
    }
    let shown = displays.iter().filter(|display| super::elements::overlap(display.bounds, picture.area));
    for display in shown.take(MOST_DISPLAYS) {
        let Rect { x, y, width, height } = display.bounds;
        let id: String = plain_text(&display.id).chars().take(40).collect();
        let primary = if display.primary { ", the primary one" } else { "" };
        text.push_str(&format!(
            " Display {id:?}{primary}: {width}x{height} at {x},{y}, scale {}.",
            display.scale_factor
        ));
    }
    text.push_str(&reduced(&shot.asked, picture, displays));
    text.push_str(" The coordinates of `mouse` are pixels of this picture.");
    text.push_str(about_screen(picture.screen));
    text
}

/// What has to be said of a picture that is smaller than its profile allows, because it would have too many bytes; it begins
/// with a space.
fn reduced(asked: &CaptureParams, picture: &Picture, displays: &[Display]) -> String {
    let Some(most) = asked.max_bytes else { return String::new() };
    let shown = displays.iter().filter(|display| super::elements::overlap(display.bounds, picture.area));
    let scale = shown.map(|display| display.scale_factor).min_by(f64::total_cmp);
    // A budget makes JPEGs that come near to it. One that is far from it is small for another reason.
    let is_near = picture.format == PictureFormat::Jpeg && picture.data.len() >= most as usize / 3;
    let Some(scale) = scale.filter(|_| is_near) else { return String::new() };
    let [width, height] = [picture.area.width, picture.area.height].map(|edge| (edge * scale).round() as u32);
    let (width, height) = fit(width, height, asked.profile);
    // A part that begins within a pixel may have one less.
    if picture.width + 2 >= width && picture.height + 2 >= height {
        return String::new();
    }
    format!(
        " Its profile allows {width}x{height}, but that would have more than {most} bytes; `zoom` shows a part in full detail."
    )
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

/// What the encoding of a picture is called.
///
/// # Errors
/// For pixels without one, which are never asked for.
pub(super) fn mime_type(format: PictureFormat) -> Result<&'static str, ToolError> {
    match format {
        PictureFormat::Png => Ok("image/png"),
        PictureFormat::Jpeg => Ok("image/jpeg"),
        PictureFormat::Webp => Ok("image/webp"),
        PictureFormat::RawRgba | PictureFormat::RawRgb => {
            Err(ToolError::Arguments("the host sent a picture that was not asked for; update it".to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_smaller_for_its_bytes_says_so() {
        let display = |scale_factor| Display {
            id: "d".to_owned(),
            bounds: Rect::new(0.0, 0.0, 1280.0, 720.0),
            scale_factor,
            primary: true,
            name: None,
        };
        let picture = |width, format, bytes: usize| Picture {
            format,
            width,
            height: width * 9 / 16,
            area: Rect::new(0.0, 0.0, 1280.0, 720.0),
            display_id: None,
            captured_at: 0.0,
            shot_id: 1,
            screen: ScreenState::Shown,
            unchanged: false,
            data: vec![0; bytes],
        };
        let told = |profile, picture: &Picture, scale| {
            let asked = CaptureParams { profile, max_bytes: Some(9000), ..CaptureParams::default() };
            reduced(&asked, picture, &[display(scale)])
        };
        let near = picture(1456, PictureFormat::Jpeg, 8000);
        let said = told(PictureProfile::Native, &near, 2.0);
        assert!(said.starts_with(" Its profile allows 2560x1440, but") && said.contains("9000 bytes"), "{said}");
        assert_eq!(told(PictureProfile::Claude, &near, 2.0), "", "the profile allows no more");
        assert_eq!(told(PictureProfile::Native, &near, 1.0), "", "there are no more pixels");
        assert_eq!(told(PictureProfile::Native, &picture(1456, PictureFormat::Png, 8000), 2.0), "");
        assert_eq!(told(PictureProfile::Native, &picture(1456, PictureFormat::Jpeg, 900), 2.0), "");
    }
}
