//! The page: three files, none of which holds anything of this machine.

/// A file as it is served.
pub(super) struct File {
    pub(super) mime_type: &'static str,
    pub(super) text: &'static str,
}

pub(super) fn file(path: &str) -> Option<File> {
    let (mime_type, text) = match path {
        "/" => ("text/html; charset=utf-8", include_str!("page/index.html")),
        "/view.css" => ("text/css; charset=utf-8", include_str!("page/view.css")),
        "/view.js" => ("text/javascript; charset=utf-8", include_str!("page/view.js")),
        "/input.js" => ("text/javascript; charset=utf-8", include_str!("page/input.js")),
        _ => return None,
    };
    Some(File { mime_type, text })
}
