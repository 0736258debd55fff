//! Reading an application: which elements there are, from one of them downwards.

use std::collections::HashMap;

use super::bus::{Place, brief, is_gone};
use super::cache::{Listed, Skeleton};
use super::children;
use super::detail::Detail;
use super::item::Item;
use super::talk::Talk;
use super::{roles, states};

/// Elements that are asked for one by one, for each one that there is room for: many of them will turn out not to show.
const ASKED_EACH: usize = 4;

/// What is read, from the top downwards, the elements of one level before those below them.
#[derive(Debug)]
pub(super) struct Tree {
    /// The first is the root; each stands behind its parent.
    pub(super) nodes: Vec<Node>,
    /// Whether something that shows is missing.
    pub(super) truncated: bool,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) item: Item,
    /// How far below the root.
    pub(super) depth: usize,
    /// Indices of nodes.
    pub(super) children: Vec<usize>,
    pub(super) detail: Detail,
}

impl Node {
    fn new(item: Item, depth: usize) -> Self {
        Self { item, depth, children: Vec::new(), detail: Detail::default() }
    }
}

/// What came of reading.
#[derive(Debug)]
pub(super) enum Outcome {
    Tree(Tree),
    /// The application does not answer.
    Silent,
    /// The application or the element is not there any more.
    Gone,
}

/// How much is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    /// The most elements.
    pub(super) nodes: usize,
    /// The most levels below the root.
    pub(super) depth: usize,
    /// Whether places, contents and actions are wanted too.
    pub(super) details: bool,
}

/// Children of elements, those of one after those of another.
type Families = Vec<(usize, Vec<Place>)>;

/// Reads from an element downwards. What cannot be read in the time is missing, and the tree says so.
pub(super) async fn read(talk: Talk<'_>, root: &Place, extent: Extent) -> Outcome {
    let mut skeleton = match talk.until(Skeleton::read(talk.bus, root)).await {
        Some(Ok(skeleton)) => skeleton,
        Some(Err(error)) => {
            if !is_gone(&error) {
                tracing::debug!("{} has no list of its elements: {}", root.bus, brief(&error));
            }
            Skeleton::default()
        }
        None => return Outcome::Silent,
    };
    let item = match skeleton.take(root) {
        Some(item) => item,
        None => match talk.until(Item::ask(talk.bus, root)).await {
            Some(Ok(item)) => item,
            Some(Err(_)) => return Outcome::Gone,
            None => return Outcome::Silent,
        },
    };
    let mut growth =
        Growth { talk, extent, skeleton, tree: Tree { nodes: vec![Node::new(item, 0)], truncated: false } };
    growth.grow().await;
    let mut tree = growth.tree;
    if extent.details {
        super::detail::add(talk, &mut tree).await;
    }
    Outcome::Tree(tree)
}

struct Growth<'a> {
    talk: Talk<'a>,
    extent: Extent,
    skeleton: Skeleton,
    tree: Tree,
}

impl Growth<'_> {
    async fn grow(&mut self) {
        let mut level = vec![0];
        for depth in 1..=self.extent.depth {
            let families = self.families(&level).await;
            let mut asked = self.strangers(&families).await;
            level = self.add(families, &mut asked, depth);
            if level.is_empty() {
                return;
            }
        }
        let cut = level.iter().any(|index| self.has_children(&self.tree.nodes[*index].item));
        self.tree.truncated |= cut;
    }

    /// The children of the elements of one level.
    async fn families(&mut self, level: &[usize]) -> Families {
        let mut families: Families = Vec::new();
        let mut asked: Vec<(usize, Vec<Place>)> = Vec::new();
        for index in level {
            let item = &self.tree.nodes[*index].item;
            match self.skeleton.children(item) {
                _ if item.is_password() => {}
                Listed::All(children) => families.push((*index, children)),
                // What does not show is not asked: only what menus are known to have is of interest.
                Listed::Some(children) if !is_open(item) => families.push((*index, children)),
                Listed::Some(children) => asked.push((*index, children)),
            }
        }
        let (nodes, bus) = (&self.tree.nodes, self.talk.bus);
        let mut known: HashMap<usize, Vec<Place>> = asked.iter().cloned().collect();
        let mut whole = true;
        let questions =
            asked.iter().map(|(index, _)| async move { (*index, children::ask(bus, &nodes[*index].item).await) });
        let complete = self
            .talk
            .ticker
            .gather(self.talk.deadline, questions, |(index, answer)| {
                // Who refuses has what is known of it.
                let listed = known.remove(&index).unwrap_or_default();
                let (children, all) = answer.unwrap_or((listed, true));
                whole &= all;
                families.push((index, children));
            })
            .await;
        self.tree.truncated |= !complete || !whole;
        families.extend(known);
        families.sort_by_key(|(index, _)| *index);
        families
    }

    /// The children that the skeleton does not have.
    async fn strangers(&mut self, families: &[(usize, Vec<Place>)]) -> HashMap<Place, Item> {
        let room = self.extent.nodes.saturating_sub(self.tree.nodes.len()).saturating_add(1);
        let unknown = families.iter().flat_map(|(_, children)| children);
        let unknown: Vec<&Place> = unknown.filter(|place| !self.skeleton.has(place)).collect();
        let most = room.saturating_mul(ASKED_EACH).min(unknown.len());
        let bus = self.talk.bus;
        let questions = unknown.iter().take(most).map(|place| Item::ask(bus, place));
        let mut items = HashMap::new();
        let complete = self
            .talk
            .ticker
            .gather(self.talk.deadline, questions, |item| {
                if let Ok(item) = item {
                    items.insert(item.place.clone(), item);
                }
            })
            .await;
        let cut = most < unknown.len();
        self.tree.truncated |= !complete || cut;
        items
    }

    /// Adds the children that are kept, as far as there is room, and gives their indices.
    fn add(&mut self, families: Families, asked: &mut HashMap<Place, Item>, depth: usize) -> Vec<usize> {
        let mut level = Vec::new();
        for (parent, children) in families {
            for place in children {
                let Some(item) = self.skeleton.take(&place).or_else(|| asked.remove(&place)) else {
                    continue;
                };
                if !is_kept(&self.tree.nodes[parent].item, &item) {
                    continue;
                }
                let index = self.tree.nodes.len();
                if index >= self.extent.nodes {
                    self.tree.truncated = true;
                    return Vec::new();
                }
                self.tree.nodes.push(Node::new(item, depth));
                self.tree.nodes[parent].children.push(index);
                level.push(index);
            }
        }
        level
    }

    /// Whether an element has children that would be kept, as far as that is known without a question.
    fn has_children(&self, item: &Item) -> bool {
        let (Listed::All(children) | Listed::Some(children)) = self.skeleton.children(item);
        if item.is_password() {
            return false;
        }
        if children.is_empty() {
            return is_open(item) && item.count != Some(0);
        }
        children.iter().filter_map(|place| self.skeleton.get(place)).any(|child| is_kept(item, child))
    }
}

/// Whether what is below an element can be seen.
fn is_open(item: &Item) -> bool {
    item.is(states::SHOWING) || item.role == roles::APPLICATION
}

/// Whether a child is of interest: it shows, it is a window in a panel or dock, or it is what a closed menu is known to
/// have.
fn is_kept(parent: &Item, child: &Item) -> bool {
    if child.is(states::DEFUNCT) {
        return false;
    }
    let minimized = parent.role == roles::APPLICATION && child.is(states::ICONIFIED | states::ACTIVE);
    let in_menu = roles::is_menu(parent.role) && roles::is_menu(child.role);
    child.is(states::SHOWING) || minimized || in_menu
}

#[cfg(test)]
mod tests {
    use super::super::item::tests::item;
    use super::*;

    #[test]
    fn what_shows_and_what_menus_have_is_kept() {
        let panel = item(39, "");
        let mut hidden = item(roles::MENU_ITEM, "Open");
        hidden.states = states::ENABLED;
        assert!(is_kept(&panel, &item(43, "Save")));
        assert!(!is_kept(&panel, &hidden));
        assert!(is_kept(&item(roles::MENU, "File"), &hidden), "it helps to choose from the menu");
        assert!(!is_kept(&item(roles::COMBO_BOX, "Colour"), &hidden));
        hidden.states |= states::DEFUNCT;
        assert!(!is_kept(&item(roles::MENU, "File"), &hidden));
    }

    #[test]
    fn a_window_that_is_minimized_is_one_still() {
        let mut frame = item(roles::FRAME, "Notes");
        frame.states = states::ICONIFIED;
        assert!(is_kept(&item(roles::APPLICATION, "notes"), &frame));
        assert!(!is_kept(&item(39, ""), &frame));
    }
}
