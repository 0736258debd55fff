//! Where everything in the Controls window is.

use super::geometry::{Area, Spot};
use super::text::BODY;
use super::theme::MENU_BAR;

/// What the menu is called.
pub(super) const MENU: &str = "File";
/// What the check box is called.
pub(super) const CHECK: &str = "Remember me";

/// Height of an item of a menu.
const ITEM: i32 = 28;
/// Heights of the four rows of widgets.
const ROWS: [i32; 4] = [36, 24, 32, 32];
/// From the left edge of a label to the field that it names.
const LABEL: i32 = 88;

/// The places of the widgets inside one window; a window of any size has them all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    pub(super) menu_bar: Area,
    pub(super) file: Area,
    /// The open menu and the items in it.
    pub(super) popup: Area,
    pub(super) items: [Area; 4],
    pub(super) count: Area,
    pub(super) counter: Area,
    pub(super) check: Area,
    pub(super) name: Area,
    pub(super) password: Area,
    pub(super) dialog: Area,
    pub(super) ok: Area,
}

impl Form {
    pub(super) fn of(client: Area) -> Self {
        let menu_bar = Area::new(client.x, client.y, client.w, MENU_BAR);
        let file = Area::new(client.x + 4, client.y + 2, BODY.width(MENU) + 20, MENU_BAR - 4);
        let popup = Area::new(file.x, menu_bar.bottom(), 200, 4 * ITEM + 8);
        let items = [0, 1, 2, 3].map(|index| Area::new(popup.x + 4, popup.y + 4 + index * ITEM, popup.w - 8, ITEM));

        let margin = if client.w < 340 { 12 } else { 20 };
        let (left, width) = (client.x + margin, client.w - 2 * margin);
        let gap = ((client.h - MENU_BAR - ROWS.iter().sum::<i32>()) / 5).clamp(4, 20);
        let mut top = menu_bar.bottom();
        let [button, check, name, password] = ROWS.map(|height| {
            let row = Area::new(left, top + gap, width, height);
            top = row.bottom();
            row
        });
        let count = Area::new(left, button.y, 108, button.h);
        let counter = Area::new(count.right() + 20, button.y, width - 128, button.h);
        let check = Area::new(left, check.y, (32 + BODY.width(CHECK)).min(width), check.h);
        let field = |row: Area| Area::new(row.x + LABEL, row.y, row.w - LABEL, row.h);

        let dialog = client.centered((client.w - 16).min(320), 136);
        let ok = Area::new(dialog.x + (dialog.w - 88) / 2, dialog.bottom() - 44, 88, 32);
        let (name, password) = (field(name), field(password));
        Self { menu_bar, file, popup, items, count, counter, check, name, password, dialog, ok }
    }

    /// Where the label to the left of a field is.
    pub(super) const fn label_of(field: Area) -> Area {
        Area::new(field.x - LABEL, field.y, LABEL, field.h)
    }

    /// The place in the menu of the item at a spot.
    pub(super) fn item_at(&self, spot: Spot) -> Option<usize> {
        self.items.iter().position(|item| item.contains(spot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_widget_is_inside_the_smallest_window() {
        let client = Area::new(7, 31, 278, 172);
        let form = Form::of(client);
        let rows = [form.menu_bar, form.count, form.check, form.name, form.password];
        for pair in rows.windows(2) {
            assert!(pair[1].y >= pair[0].bottom() + 4, "{pair:?}");
        }
        let others = [form.file, form.popup, form.counter, form.dialog, form.ok];
        for area in rows.into_iter().chain(others).chain(form.items) {
            assert_eq!(area.overlap(client), area);
            assert!(!area.is_empty());
        }
    }
}
