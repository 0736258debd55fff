//! `opendesk identity`.

use opendesk_core::{Keys, PublicKey};
use opendesk_std::home::{Identity, ServeLock};
use opendesk_std::host::{forget_at_rest, forget_through_running, rotate_at_rest, rotate_through_running};
use opendesk_tokio::Tokio;
use serde_json::{Value, json};

use super::{Context, at_rest_or_running};
use crate::args::{self, IdentityCommand};
use crate::exit::Failure;
use crate::output;

pub(super) async fn run(context: &Context, options: args::Identity) -> Result<(), Failure> {
    let home = &context.home;
    match options.command {
        None | Some(IdentityCommand::Show) => show(context, &home.identity()?),
        Some(IdentityCommand::Rotate) => {
            let before = key(&home.identity()?.keys);
            let at_rest = |lock: &ServeLock| Ok(rotate_at_rest(home, lock)?);
            at_rest_or_running(home, at_rest, async || rotate_through_running(&Tokio, home).await).await?;
            let identity = home.identity()?;
            let now = key(&identity.keys);
            output::result(context.json, &described(&identity), || {
                format!(
                    "this machine is {now:?} now and was {before:?}\n\
                     paired machines follow when they next connect; machines that speak version 1 must be paired again"
                )
            });
        }
        Some(IdentityCommand::ForgetFormer) => {
            let former = home.identity()?.former.len();
            let at_rest = |lock: &ServeLock| Ok(forget_at_rest(home, lock)?);
            at_rest_or_running(home, at_rest, async || forget_through_running(&Tokio, home).await).await?;
            output::result(context.json, &described(&home.identity()?), || match former {
                0 => "there were no former keys".to_owned(),
                1 => "1 former key counts no more".to_owned(),
                more => format!("{more} former keys count no more"),
            });
        }
    }
    Ok(())
}

const fn key(keys: &Keys) -> PublicKey {
    keys.static_key.public()
}

fn public(keys: &Keys) -> Value {
    let public = keys.public();
    json!({
        "fingerprint": format!("{:?}", public.static_key),
        "public_key": public.static_key.to_string(),
        "signing_key": PublicKey(public.signing_key).to_string(),
    })
}

fn described(identity: &Identity) -> Value {
    let mut described = public(&identity.keys);
    described["former"] = identity.former.iter().map(public).collect();
    described
}

fn show(context: &Context, identity: &Identity) {
    output::result(context.json, &described(identity), || {
        let public = identity.keys.public();
        let mut lines = vec![
            format!("fingerprint  {:?}", public.static_key),
            format!("public key   {}", public.static_key),
            format!("signing key  {}", PublicKey(public.signing_key)),
        ];
        lines.extend(identity.former.iter().map(|keys| format!("formerly     {:?}", key(keys))));
        lines.join("\n")
    });
}
