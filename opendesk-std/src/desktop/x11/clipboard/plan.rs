//! Which of the forms that a program offers are asked for.

use std::collections::VecDeque;

use x11rb::protocol::xproto::{Atom, AtomEnum};

use super::atoms::Atoms;
use super::form::{Encoding, is_text};
use super::offer::{MAX_FORMS, TEXT, is_mime};

/// A form to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Want {
    /// What it is called in the answer to the call. Of several with one name, the first that is given counts.
    pub(super) mime_type: String,
    pub(super) target: Atom,
    pub(super) encoding: Encoding,
    /// Whether the read fails when the program keeps silent or gives more than fits. Other forms are extras.
    pub(super) needed: bool,
}

/// A target that programs offer text as: how it is encoded there, and how good it is, the best lowest.
fn text_target(name: &str) -> Option<(u8, Encoding)> {
    match name {
        "UTF8_STRING" => Some((0, Encoding::Utf8)),
        "TEXT" => Some((2, Encoding::Told)),
        // What ISO 8859-1 lacks is lost in it.
        "STRING" => Some((4, Encoding::Told)),
        _ if !is_text(name) => None,
        _ if name.contains(';') => Some((1, Encoding::Utf8)),
        _ => Some((3, Encoding::Unsaid)),
    }
}

/// What to ask a program for that offers these targets: text by its best name first; then HTML, one image (PNG if there
/// is one, since the others show the same), lists of files, and extras, in the order in which they are offered; all in
/// all 16 forms.
pub(super) fn plan(offered: &[(Atom, String)]) -> VecDeque<Want> {
    let mut text: Vec<(u8, Want)> = Vec::new();
    let mut forms: Vec<Want> = Vec::new();
    let images = || offered.iter().map(|(_, name)| name).filter(|name| is_image(name) && is_mime(name));
    let image = images().min_by_key(|name| (!name.eq_ignore_ascii_case("image/png"), !starts_with(name, "image/")));
    for (target, name) in offered {
        if let Some((rank, encoding)) = text_target(name) {
            text.push((rank, Want { mime_type: TEXT.to_owned(), target: *target, encoding, needed: true }));
            continue;
        }
        let is_html = starts_with(name, "text/html");
        let mime_type = if is_html { "text/html" } else { name };
        let is_known = forms.iter().any(|form| form.mime_type.eq_ignore_ascii_case(mime_type));
        let is_other_image = is_image(name) && image != Some(name);
        // Text in other encodings, or of a format such as a paragraph's, says nothing that the text does not.
        if !is_mime(name) || is_known || is_other_image || starts_with(name, "text/plain;") {
            continue;
        }
        forms.push(Want {
            mime_type: mime_type.to_owned(),
            target: *target,
            encoding: if is_html { Encoding::Html } else { Encoding::Raw },
            needed: is_html || is_image(name) || starts_with(name, "text/uri-list"),
        });
    }
    text.sort_by_key(|(rank, _)| *rank);
    let needed = forms.iter().filter(|form| form.needed).count() + usize::from(!text.is_empty());
    let mut extras = MAX_FORMS.saturating_sub(needed);
    forms.retain(|form| {
        let fits = form.needed || extras > 0;
        extras -= usize::from(fits && !form.needed);
        fits
    });
    text.into_iter().map(|(_, want)| want).chain(forms).collect()
}

/// What to ask a program for that does not say what it has: it is an old one, and old ones have text.
pub(super) fn guess(atoms: &Atoms) -> VecDeque<Want> {
    plan(&[(atoms.utf8, "UTF8_STRING".to_owned()), (AtomEnum::STRING.into(), "STRING".to_owned())])
}

/// Pictures, two odd names of icons included.
fn is_image(name: &str) -> bool {
    starts_with(name, "image/") || ["application/ico", "text/ico"].contains(&name)
}

fn starts_with(name: &str, beginning: &str) -> bool {
    name.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The targets that are asked for, by name, with the names of their entries.
    fn planned(offered: &[&str]) -> Vec<(String, String)> {
        let offered: Vec<(Atom, String)> = (1..).zip(offered.iter().map(|&name| name.to_owned())).collect();
        let name = |want: &Want| offered[usize::try_from(want.target).unwrap() - 1].1.clone();
        plan(&offered).iter().map(|want| (name(want), want.mime_type.clone())).collect()
    }

    fn targets(offered: &[&str]) -> Vec<String> {
        planned(offered).into_iter().map(|(target, _)| target).collect()
    }

    #[test]
    fn text_is_asked_for_first_and_by_its_best_name() {
        let offered =
            ["TARGETS", "text/html", "STRING", "text/plain", "TEXT", "UTF8_STRING", "text/plain;charset=UTF-8"];
        let text = ["UTF8_STRING", "text/plain;charset=UTF-8", "TEXT", "text/plain", "STRING"];
        assert_eq!(targets(&offered), [&text[..], &["text/html"]].concat());
        assert!(planned(&offered)[..5].iter().all(|(_, mime_type)| mime_type == TEXT));
    }

    #[test]
    fn what_manages_selections_is_never_asked_for() {
        let meta = ["TARGETS", "MULTIPLE", "TIMESTAMP", "SAVE_TARGETS", "DELETE", "INSERT_SELECTION", "COMPOUND_TEXT"];
        assert_eq!(targets(&meta), [""; 0]);
        assert_eq!(targets(&[]), [""; 0]);
    }

    #[test]
    fn one_image_is_asked_for_and_png_if_there_is_one() {
        let many = ["text/ico", "image/tiff", "image/bmp", "image/png", "image/jpeg", "x-special/gnome-copied-files"];
        assert_eq!(targets(&many), ["image/png", "x-special/gnome-copied-files"]);
        assert_eq!(targets(&["text/ico", "image/bmp", "image/jpeg"]), ["image/bmp"]);
    }

    #[test]
    fn forms_come_in_the_order_of_their_owner_each_once() {
        let offered =
            ["text/uri-list", "chromium/x-source-url", "text/html", "TEXT/HTML", "text/html;charset=utf-8", "text/rtf"];
        assert_eq!(targets(&offered), ["text/uri-list", "chromium/x-source-url", "text/html", "text/rtf"]);
        assert_eq!(targets(&["text/plain;charset=utf-16", "text/plain;format=flowed"]), [""; 0]);
    }

    #[test]
    fn extras_give_way_where_there_are_too_many() {
        let names: Vec<String> = (0..20).map(|number| format!("application/{number}")).collect();
        let mut offered: Vec<&str> = names.iter().map(|name| &**name).collect();
        offered.extend(["image/png", "UTF8_STRING", "STRING"]);
        let asked = planned(&offered);
        assert_eq!(asked.iter().filter(|(_, mime_type)| mime_type != TEXT).count(), 15);
        assert_eq!(asked.last().unwrap().0, "image/png");
        assert_eq!(asked[2].0, "application/0");
    }
}
