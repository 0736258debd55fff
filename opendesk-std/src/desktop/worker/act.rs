//! What changes something on the desktop.

use super::{misplaced, told};
use crate::api::{
    AppsClose, AppsFocus, AppsOpen, Call, ClipboardWrite, Codec, Effect, Error, InputKey, InputPointer, InputText,
    OcrClickParams, OcrClicked, Point, PointerAction, PointerEvent, PowerLock, Result, UiAction, WindowsClose,
    WindowsFocus, WindowsMove, in_front,
};
use crate::cancel::Cancel;
use crate::desktop::ocr::Found;
use crate::desktop::{Computer, Hands};

pub(super) fn act(
    hands: &mut Hands,
    computer: &dyn Computer,
    call: &Call,
    codec: Codec,
    cancel: &Cancel,
) -> Result<Vec<u8>> {
    match call {
        Call::InputPointer(event) => told::<InputPointer>(codec, hands.pointer(computer, event)),
        Call::InputKey(event) => told::<InputKey>(codec, hands.key(computer, event)),
        Call::InputText(input) => told::<InputText>(codec, hands.text(computer, input, cancel)),
        Call::WindowsFocus(params) => told::<WindowsFocus>(codec, computer.focus_window(&params.window_id)),
        Call::WindowsMove(params) => told::<WindowsMove>(codec, computer.move_window(&params.window_id, params.bounds)),
        Call::WindowsClose(params) => {
            told::<WindowsClose>(codec, computer.close_window(&params.window_id, params.force, cancel))
        }
        Call::AppsOpen(params) => told::<AppsOpen>(codec, computer.open_app(&params.name, cancel)),
        Call::AppsClose(params) => told::<AppsClose>(codec, computer.close_app(&params.name, cancel)),
        Call::AppsFocus(params) => told::<AppsFocus>(codec, computer.focus_app(&params.name)),
        Call::UiAction(params) => told::<UiAction>(codec, hands.ui_action(computer, params, cancel)),
        Call::ClipboardWrite(contents) => told::<ClipboardWrite>(codec, computer.clipboard_write(contents)),
        Call::PowerLock(()) => told::<PowerLock>(codec, computer.lock(cancel)),
        other => Err(misplaced(other)),
    }
}

/// Clicks in the middle of a text that was found.
pub(super) fn click_text(
    hands: &mut Hands,
    computer: &dyn Computer,
    params: &OcrClickParams,
    Found { bounds, text }: Found,
) -> Result<OcrClicked> {
    let point = bounds.center();
    if let Some(id) = &params.within.window_id {
        bring_forward(computer, id, point)?;
    }
    let event = |action| PointerEvent {
        action,
        point,
        button: params.button,
        modifiers: params.modifiers.clone(),
        dx: 0.0,
        dy: 0.0,
    };
    let mut effect = Effect::Confirmed;
    for _ in 0..params.clicks {
        let pressed = hands.pointer(computer, &event(PointerAction::Down));
        // Also when pressing failed half way.
        let released = hands.pointer(computer, &event(PointerAction::Up));
        effect = effect.and(pressed?).and(released?);
    }
    Ok(OcrClicked { point, bounds, text, effect })
}

/// What was read in one window may lie under another one, which would be clicked.
fn bring_forward(computer: &dyn Computer, id: &str, point: Point) -> Result<()> {
    let is_in_front = || Ok(in_front(&computer.windows()?, point).is_some_and(|window| window.is_called(id)));
    if is_in_front()? {
        return Ok(());
    }
    computer.focus_window(id)?;
    if is_in_front()? {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "another window stays in front of the text in {id}, so it was not clicked; move that one away"
    )))
}

/// How often a text may be clicked on at once.
pub(super) fn check_clicks(params: &OcrClickParams) -> Result<()> {
    if (1..=3).contains(&params.clicks) {
        return Ok(());
    }
    Err(Error::invalid(format!("{} clicks were asked for; 1 to 3 can be", params.clicks)))
}
