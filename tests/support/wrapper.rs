//! Desktops of tests that are a virtual one but for some calls.

/// Methods of a [`Computer`](opendesk_std::desktop::Computer) that do what its field `desktop` does.
#[macro_export]
macro_rules! as_its_desktop {
    ($($method:ident)*) => { $($crate::as_its_desktop!(@ $method);)* };
    (@ name) => { $crate::as_its_desktop!(@fn name() -> &'static str); };
    (@ capabilities) => { $crate::as_its_desktop!(@fn capabilities() -> Vec<&'static str>); };
    (@ displays) => { $crate::as_its_desktop!(@fn displays() -> opendesk_std::api::Result<Vec<opendesk_std::api::Display>>); };
    (@ capture) => {
        $crate::as_its_desktop!(@fn capture(area: &opendesk_std::desktop::CaptureArea)
            -> opendesk_std::api::Result<opendesk_std::desktop::Frame>);
    };
    (@ screen_state) => { $crate::as_its_desktop!(@fn screen_state() -> opendesk_std::api::ScreenState); };
    (@ generation) => {
        $crate::as_its_desktop!(@fn generation(area: &opendesk_std::desktop::CaptureArea)
            -> opendesk_std::api::Result<Option<u64>>);
    };
    (@ wake_on_change) => { $crate::as_its_desktop!(@fn wake_on_change(wake: opendesk_std::desktop::Wake) -> bool); };
    (@ cursor_position) => {
        $crate::as_its_desktop!(@fn cursor_position() -> opendesk_std::api::Result<opendesk_std::api::Point>);
    };
    (@ move_pointer) => { $crate::as_its_desktop!(@act move_pointer(to: opendesk_std::api::Point)); };
    (@ button) => {
        $crate::as_its_desktop!(@act button(button: opendesk_std::api::Button, press: opendesk_std::api::Press));
    };
    (@ scroll) => { $crate::as_its_desktop!(@act scroll(right: f64, up: f64)); };
    (@ key) => { $crate::as_its_desktop!(@act key(key: opendesk_std::desktop::Key, press: opendesk_std::api::Press)); };
    (@ type_text) => {
        $crate::as_its_desktop!(@act type_text(text: &str, pause: core::time::Duration, cancel: &opendesk_std::Cancel));
    };
    (@ windows) => {
        $crate::as_its_desktop!(@fn windows() -> opendesk_std::api::Result<Vec<opendesk_std::api::Window>>);
    };
    (@ focus_window) => { $crate::as_its_desktop!(@act focus_window(id: &str)); };
    (@ ui_tree) => {
        $crate::as_its_desktop!(@fn ui_tree(params: &opendesk_std::api::TreeParams, cancel: &opendesk_std::Cancel)
            -> opendesk_std::api::Result<opendesk_std::api::UiTree>);
    };
    (@ clipboard_read) => {
        $crate::as_its_desktop!(@fn clipboard_read() -> opendesk_std::api::Result<opendesk_std::api::ClipboardContents>);
    };
    (@ clipboard_write) => {
        $crate::as_its_desktop!(@act clipboard_write(contents: &opendesk_std::api::ClipboardContents));
    };
    (@act $name:ident($($arg:ident: $type:ty),*)) => {
        $crate::as_its_desktop!(@fn $name($($arg: $type),*) -> opendesk_std::api::Result<opendesk_std::api::Effect>);
    };
    (@fn $name:ident($($arg:ident: $type:ty),*) -> $output:ty) => {
        fn $name(&self, $($arg: $type),*) -> $output {
            self.desktop.$name($($arg),*)
        }
    };
}
