//! `opendesk identity`.

use opendesk_core::{Keys, PublicKey};
use opendesk_std::home::Identity;
use opendesk_std::host::{AdminError, forget_at_rest, forget_through_running, rotate_at_rest, rotate_through_running};
use opendesk_tokio::Tokio;
use serde_json::{Value, json};

use super::Context;
use crate::args::{self, IdentityCommand};
use crate::exit::Failure;
use crate::output;

pub(super) async fn run(context: &Context, options: args::Identity) -> Result<(), Failure> {
    let home = &context.home;
    match options.command {
        None | Some(IdentityCommand::Show) => show(context, &home.identity()?),
        Some(IdentityCommand::Rotate) => {
            let before = key(&home.identity()?.keys);
            // A host that runs changes its keys itself; where none runs, none starts meanwhile.
            match home.lock_for_serving() {
                Ok(lock) => {
                    rotate_at_rest(home, &lock)?;
                }
                Err(busy) => through_running(rotate_through_running(&Tokio, home).await, busy.into())?,
            }
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
            match home.lock_for_serving() {
                Ok(lock) => {
                    forget_at_rest(home, &lock)?;
                }
                Err(busy) => through_running(forget_through_running(&Tokio, home).await, busy.into())?,
            }
            output::result(context.json, &described(&home.identity()?), || match former {
                0 => "there were no former keys".to_owned(),
                1 => "1 former key counts no more".to_owned(),
                more => format!("{more} former keys count no more"),
            });
        }
    }
    Ok(())
}

/// The home is taken: by a host, which was asked, or by nobody who answers.
fn through_running(asked: Result<(), AdminError>, busy: Failure) -> Result<(), Failure> {
    asked.map_err(|error| match error {
        AdminError::NotRunning => busy,
        AdminError::Failed(why) => Failure::failed(why),
    })
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
