//! What one call sees: the applications there are, and the references that were given to their elements.

use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::join_all;

use super::apps::{self, App, Names};
use super::bus::Place;
use super::faces::Faces;
use super::frames::{self, Found};
use super::item::{Item, bounded};
use super::read::{Extent, Outcome, read};
use super::refs::References;
use super::roles;
use super::shape::{Part, flat};
use super::talk::{Talk, gone};
use crate::api::{Error, ErrorCode, MAX_NODES, Result, TreeParams, UiTree, Window};
use crate::clock;

/// How long applications that have not told their names yet are asked for them.
const PATIENCE: Duration = Duration::from_millis(400);

#[derive(Debug, Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) talk: Talk<'a>,
    pub(super) names: &'a Names,
    pub(super) references: &'a Mutex<References>,
    /// The bus that `talk` is on. Another call may have moved the references to a newer one.
    pub(super) bus: &'a str,
}

impl Scene<'_> {
    /// The applications: all of them, or the one that is meant by a name.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] and
    /// [`ErrorCode::InvalidArgument`] when not one is meant.
    pub(super) async fn apps(&self, name: Option<&str>) -> Result<Vec<App>> {
        let apps = self.names.list(self.talk, clock::monotonic() + PATIENCE).await?;
        match name {
            None => Ok(apps),
            Some(name) => Ok(vec![apps::choose(&apps, name)?]),
        }
    }

    /// Where the element of a reference is, and what kind it was.
    pub(super) fn place(&self, reference: &str) -> Option<(Place, u32)> {
        self.references().ok()?.find(reference)
    }

    /// The reference of an element; none if the references are of another bus by now.
    pub(super) fn reference(&self, item: &Item) -> Option<String> {
        Some(self.references().ok()?.give(item))
    }

    /// The references, as long as they are of this bus: elsewhere its places mean other elements.
    fn references(&self) -> Result<MutexGuard<'_, References>> {
        let references = self.references.lock().unwrap_or_else(PoisonError::into_inner);
        if references.are_of(self.bus) {
            return Ok(references);
        }
        let message = "the accessibility bus has been replaced by another one; read ui.tree again";
        Err(Error::new(ErrorCode::NotFound, message))
    }

    /// The tree of a window, of an application, or of all applications.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] when there is no such window or application.
    pub(super) async fn tree(&self, params: &TreeParams, window: Option<&Window>) -> Result<UiTree> {
        let most = usize::try_from(params.max_nodes).unwrap_or(MAX_NODES).clamp(1, MAX_NODES);
        let depth = usize::try_from(params.max_depth).unwrap_or(usize::MAX);
        let extent = Extent { nodes: most, depth, details: true };
        if let Some(window) = window {
            let part = self.window(window, extent).await?;
            return Ok(flat(false, &[part], most, &mut *self.references()?));
        }
        let apps = self.apps(params.app.as_deref()).await?;
        if let ([app], Some(_)) = (apps.as_slice(), &params.app) {
            let part = part(app.item(), read(self.talk, &app.root, extent).await);
            let part = part.ok_or_else(|| gone(&format!("the application {:?}", app.name)))?;
            return Ok(flat(false, &[part], most, &mut *self.references()?));
        }
        let Some(depth) = depth.checked_sub(1) else {
            let mut root = flat(true, &[], most, &mut *self.references()?);
            root.truncated = !apps.is_empty();
            return Ok(root);
        };
        let talk = self.talk.for_each_of(apps.len());
        let outcomes = join_all(apps.iter().map(|app| read(talk, &app.root, Extent { depth, ..extent }))).await;
        let parts: Vec<Part> =
            apps.iter().zip(outcomes).filter_map(|(app, outcome)| part(app.item(), outcome)).collect();
        Ok(flat(true, &parts, most, &mut *self.references()?))
    }

    async fn window(&self, window: &Window, extent: Extent) -> Result<Part> {
        let apps = self.names.list(self.talk, clock::monotonic()).await?;
        let silent = Item {
            place: Place::new("", "/"),
            role: roles::FRAME,
            states: 0,
            faces: Faces::default(),
            name: bounded(window.title.clone()),
            description: String::new(),
            count: None,
        };
        let outcome = match frames::find(self.talk, &apps, window).await? {
            Found::Element(place) => read(self.talk, &place, extent).await,
            Found::Silent => Outcome::Silent,
        };
        match part(silent, outcome) {
            Some(Part::Silent(item, _)) => Ok(Part::Silent(item, window.bounds)),
            Some(part) => Ok(part),
            None => Err(gone(&format!("the window {:?}", window.title))),
        }
    }
}

/// What is given of what was read; nothing of what ended meanwhile.
fn part(silent: Item, outcome: Outcome) -> Option<Part> {
    match outcome {
        Outcome::Tree(tree) => Some(Part::Tree(tree)),
        Outcome::Silent => Some(Part::Silent(silent, None)),
        Outcome::Gone => None,
    }
}
