//! What an action changed, told in the same answer: so that the common case needs no second call.

use core::future::Future;

use schemars::JsonSchema;
use serde::Deserialize;

use super::aside::aside;
use super::delta;
use super::elements::Scene;
use super::screenshot::MOST_BYTES;
use super::session::Session;
use super::shots::Shot;
use super::target::Target;
use super::{Block, Output, ToolError, fence, for_agents};
use crate::api::{CaptureParams, Picture, PictureFormat, Rect};
use crate::picture::{Mapping, changes};

/// Changed areas that are told.
const MOST_AREAS: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Observe {
    #[default]
    None,
    Ui,
    Changes,
    Picture,
}

/// Does something to a desktop, gives it time to show what came of it, and tells both. A failure to look is told beside
/// what was done: it never hides that it was.
///
/// # Errors
/// Those of the action.
pub(super) async fn around(
    session: &Session,
    target: &Target,
    observe: Observe,
    settle_ms: u32,
    action: impl Future<Output = Result<String, ToolError>>,
) -> Result<Output, ToolError> {
    around_shot(session, target, None, observe, settle_ms, action).await
}

/// As [`around`], for an action that points into a picture: what changed is told in its pixels.
pub(super) async fn around_shot(
    session: &Session,
    target: &Target,
    shot: Option<&Shot>,
    observe: Observe,
    settle_ms: u32,
    action: impl Future<Output = Result<String, ToolError>>,
) -> Result<Output, ToolError> {
    let last = match shot {
        None if matches!(observe, Observe::Changes | Observe::Picture) => session.shot(target, None).ok().flatten(),
        _ => None,
    };
    let view = View { session, target, shot: shot.or(last.as_deref()) };
    let before = view.before(observe).await;
    let said = action.await?;
    session.settle(settle_ms).await;
    let mut output = Output::text(format!("{}{said}", target.prefix()));
    match view.after(before).await {
        Ok(seen) => seen.add_to(&mut output),
        Err(error) => {
            Seen::text(format!(" That was done, but what came of it could not be seen: {}", for_agents(&error)))
                .add_to(&mut output);
        }
    }
    Ok(output)
}

/// What was looked at before an action.
enum Before {
    Nothing,
    Elements(Result<Scene, ToolError>),
    Pixels(Result<Picture, ToolError>),
    WantsPicture,
}

/// What is told beside an action.
#[derive(Default)]
struct Seen {
    text: String,
    image: Option<Block>,
}

impl Seen {
    const fn text(text: String) -> Self {
        Self { text, image: None }
    }

    fn add_to(self, output: &mut Output) {
        if let Some(Block::Text(text)) = output.blocks.first_mut() {
            // The end of a fence has its line to itself.
            match self.text.strip_prefix(' ') {
                Some(said) if text.ends_with('>') => text.extend(["\n", said]),
                _ => text.push_str(&self.text),
            }
        }
        output.blocks.extend(self.image);
    }
}

/// What is looked at.
struct View<'a> {
    session: &'a Session,
    target: &'a Target,
    /// The picture that the agent has.
    shot: Option<&'a Shot>,
}

impl View<'_> {
    async fn before(&self, observe: Observe) -> Before {
        match observe {
            Observe::None => Before::Nothing,
            Observe::Picture => Before::WantsPicture,
            Observe::Ui => Before::Elements(self.session.scene(self.target, None, None).await),
            Observe::Changes => Before::Pixels(self.session.pixels(self.target, &self.exact()).await),
        }
    }

    async fn after(&self, before: Before) -> Result<Seen, ToolError> {
        match before {
            Before::Nothing => Ok(Seen::default()),
            Before::WantsPicture => self.picture().await,
            Before::Elements(before) => {
                let lines = delta::lines(&before?, &self.session.scene(self.target, None, None).await?);
                if lines.is_empty() {
                    return Ok(Seen::text(" No element of the window in use has changed.".to_owned()));
                }
                let fenced = fence("the accessibility tree", &lines.join("\n"))?;
                Ok(Seen::text(format!(" Elements that changed (+ new, - gone, ~ different):\n{fenced}")))
            }
            Before::Pixels(before) => self.areas(before?).await.map(Seen::text),
        }
    }

    /// What the agent's picture shows, without loss: two encodings of the same pixels are not to differ.
    fn exact(&self) -> CaptureParams {
        let shown = self.shot.map(|shot| shot.asked.clone()).unwrap_or_default();
        CaptureParams { format: PictureFormat::Png, cursor: false, max_bytes: None, unless_shot: None, ..shown }
    }

    async fn areas(&self, before: Picture) -> Result<String, ToolError> {
        let params = CaptureParams { unless_shot: (before.shot_id != 0).then_some(before.shot_id), ..self.exact() };
        let after = self.session.pixels(self.target, &params).await?;
        let counted = self.shot.map_or_else(|| "the desktop".to_owned(), |shot| format!("the picture {}", shot.id));
        let nothing = || format!(" Nothing has changed in what can be seen of {counted}.");
        if after.unchanged {
            return Ok(nothing());
        }
        let seen = Mapping::of(&after);
        let Some(regions) = aside(move || changes(&before, &after, MOST_AREAS)).await? else {
            return Ok(format!(" What {counted} shows has moved or has another size; take a new screenshot."));
        };
        if regions.is_empty() {
            return Ok(nothing());
        }
        let areas: Vec<String> = regions
            .iter()
            .filter_map(|region| {
                let [left, top] = [region.x, region.y].map(f64::from);
                let [right, bottom] = [region.x + region.width, region.y + region.height].map(f64::from);
                self.told(seen.part([left, top, right, bottom])?)
            })
            .collect();
        Ok(format!(" Changed, in pixels of {counted}: {}.", areas.join("; ")))
    }

    /// A part of the desktop as the agent counts.
    fn told(&self, part: Rect) -> Option<String> {
        let Some(shot) = self.shot else {
            return Some(format!("{},{} {}x{}", part.x, part.y, part.width, part.height));
        };
        let region = shot.mapping.shows(part)?;
        Some(format!("{},{} {}x{}", region.x, region.y, region.width, region.height))
    }

    /// What the agent's picture showed, once more; all of the desktop where that is not there any more.
    async fn picture(&self) -> Result<Seen, ToolError> {
        let whole = CaptureParams { max_bytes: Some(MOST_BYTES), ..CaptureParams::default() };
        let taken = match self.shot {
            None => self.session.take(self.target, &whole, false).await?,
            Some(shot) => {
                let asked = CaptureParams { max_bytes: Some(MOST_BYTES), ..shot.asked.clone() };
                let is_part = asked.window_id.is_some() || asked.display_id.is_some() || asked.region.is_some();
                let marks = shot.marks.is_some();
                match self.session.take(self.target, &asked, marks).await {
                    Err(_) if is_part => {
                        let whole = CaptureParams { profile: asked.profile, format: asked.format, ..whole };
                        self.session.take(self.target, &whole, marks).await?
                    }
                    taken => taken?,
                }
            }
        };
        Ok(Seen { text: format!("\n{}", taken.text), image: taken.image })
    }
}
