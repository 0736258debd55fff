//! `opendesk pair-with`.

use opendesk_std::home::printable;
use opendesk_tokio::PairOptions;
use serde_json::json;

use super::{Context, interrupted};
use crate::args;
use crate::exit::Failure;
use crate::output;

pub(super) async fn run(context: &Context, options: args::PairWith) -> Result<(), Failure> {
    let args::PairWith { host, code, port, name } = options;
    let options = PairOptions { home: context.home.clone(), host, port, code, name };
    let paired = tokio::select! {
        paired = opendesk_tokio::pair(&options) => paired?,
        () = interrupted() => return Err(Failure::interrupted()),
    };
    let (name, words) = (paired.name, paired.words);
    let value = json!({"ok": true, "name": name, "fingerprint": format!("{:?}", paired.key), "words": words});
    output::result(context.json, &value, || {
        let name = printable(&name);
        format!("paired with {name}\nits screen shows the same words: {words}\ntry it: opendesk connect {name:?}")
    });
    Ok(())
}
