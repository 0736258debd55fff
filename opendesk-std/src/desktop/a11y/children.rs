//! What stands below one element, asked of its application. Of a list of thousands only what can be seen is asked for:
//! making an element of every cell would keep the application busy for seconds.

use core::ops::RangeInclusive;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};

use super::bus::{ACCESSIBLE, Answer, Bus, COMPONENT, Place, Wired};
use super::faces::Faces;
use super::item::Item;

/// The most children of which all are asked for.
pub(super) const MANY: usize = 256;

/// The most of a longer list. A screen full of the smallest cells has fewer.
const SEEN: usize = 1024;

/// Questions about one element that are under way at once.
pub(super) const AT_ONCE: usize = 32;

/// Children at the beginning of a long list that are asked for wherever it is scrolled to: its headers are among them.
const HEADERS: usize = 16;

/// How far inside a list its corners are felt for, in pixels: near its edge, and behind headers and scroll bars.
const STEPS: [i32; 7] = [3, 14, 26, 40, 56, 74, 96];

/// The children of an element, and whether these are all that may show.
pub(super) async fn ask(bus: &Bus, item: &Item) -> Answer<(Vec<Place>, bool)> {
    let count = match item.count {
        Some(count) => count,
        None => {
            let count: i32 = bus.property(&item.place, ACCESSIBLE, "ChildCount").await?;
            usize::try_from(count).unwrap_or_default()
        }
    };
    if count == 0 {
        return Ok((Vec::new(), true));
    }
    if count <= MANY {
        let children: Vec<Wired> = bus.ask(&item.place, ACCESSIBLE, "GetChildren", &()).await?;
        let whole = children.len() <= MANY;
        let children = children.into_iter().take(MANY).map(Place::from).filter(|place| !place.is_null());
        return Ok((children.collect(), whole));
    }
    let seen = if item.faces.has(Faces::COMPONENT) { seen(bus, &item.place, count).await? } else { None };
    let (range, whole) = match seen {
        Some(range) => (range, true),
        None => (0..=MANY - 1, false),
    };
    let last = (*range.end()).min(*range.start() + SEEN - 1).min(count - 1);
    let whole = whole && last == *range.end();
    let indices = (0..HEADERS.min(*range.start())).chain(*range.start()..=last);
    let asked = indices.map(|index| at(bus, &item.place, index));
    let children: Vec<Answer<Place>> = stream::iter(asked).buffered(AT_ONCE).collect().await;
    Ok((children.into_iter().flatten().filter(|place| !place.is_null()).collect(), whole))
}

async fn at(bus: &Bus, place: &Place, index: usize) -> Answer<Place> {
    let index = i32::try_from(index).unwrap_or(i32::MAX);
    let child: Wired = bus.ask(place, ACCESSIBLE, "GetChildAtIndex", &index).await?;
    Ok(child.into())
}

/// Which children of a long list can be seen: from the one in its top left corner to the one in its bottom right one.
async fn seen(bus: &Bus, place: &Place, count: usize) -> Answer<Option<RangeInclusive<usize>>> {
    let (x, y, width, height): (i32, i32, i32, i32) = bus.ask(place, COMPONENT, "GetExtents", &0_u32).await?;
    let (right, bottom) = (x.saturating_add(width), y.saturating_add(height));
    let first = STEPS.map(|step| under(bus, place, x.saturating_add(STEPS[0]), y.saturating_add(step)));
    let last = STEPS.map(|step| under(bus, place, right.saturating_sub(step), bottom.saturating_sub(step)));
    let inside = |index: &usize| *index < count;
    let first = join_all(first).await.into_iter().flatten().filter(inside).min();
    let last = join_all(last).await.into_iter().flatten().filter(inside).max();
    Ok(first.zip(last).filter(|(first, last)| first <= last).map(|(first, last)| first..=last))
}

/// The index of the child at a point of the desktop.
async fn under(bus: &Bus, place: &Place, x: i32, y: i32) -> Option<usize> {
    let hit: Wired = bus.ask(place, COMPONENT, "GetAccessibleAtPoint", &(x, y, 0_u32)).await.ok()?;
    let hit = Place::from(hit);
    if hit.is_null() || hit == *place {
        return None;
    }
    let index: i32 = bus.ask(&hit, ACCESSIBLE, "GetIndexInParent", &()).await.ok()?;
    usize::try_from(index).ok()
}
