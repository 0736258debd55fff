//! Every revision of the protocol, over streams.

use opendesk_std::tools::TOOLS;
use serde_json::json;

use super::*;

#[tokio::test]
async fn every_revision_with_a_handshake_is_served() {
    for version in LEGACY {
        let (_folder, home) = home();
        let mut client = Client::of(&home);
        let answer = client.initialize(version, json!({})).await;
        let result = &answer["result"];
        assert_eq!(result["protocolVersion"], version, "{answer}");
        assert_eq!(result["serverInfo"]["name"], "opendesk");
        assert_eq!(result["serverInfo"]["version"], env!("CARGO_PKG_VERSION"));
        assert!(result["instructions"].as_str().unwrap().contains("opendesk"), "{answer}");
        let listed = client.ask("tools/list", json!({})).await;
        assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), TOOLS.len());
        assert!(listed["result"].get("ttlMs").is_none() && listed["result"].get("resultType").is_none(), "{listed}");
        let called = client.call("opendesk_peers", json!({})).await;
        assert!(text(&called).contains("local"), "{called}");
        assert!(client.ask("ping", json!({})).await["result"].is_object());
        client.end().await;
    }
}

#[tokio::test]
async fn the_revision_without_sessions_is_served() {
    let (_folder, home) = home();
    let mut client = Client::of(&home);
    let found = client.modern("server/discover", json!({})).await;
    let versions = found["result"]["supportedVersions"].as_array().unwrap();
    assert!(
        versions.contains(&json!(MODERN)) && LEGACY.iter().all(|legacy| versions.contains(&json!(legacy))),
        "{found}"
    );
    assert!(found["result"]["ttlMs"].as_u64().unwrap() > 0, "{found}");
    let listed = client.modern("tools/list", json!({})).await;
    let result = &listed["result"];
    assert_eq!(result["ttlMs"], crate::mcp::server::LISTS_TTL_MS);
    assert_eq!(result["cacheScope"], "public");
    assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "opendesk");
    let names: Vec<_> = result["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, TOOLS.iter().map(|tool| tool.name).collect::<Vec<_>>());
    for tool in result["tools"].as_array().unwrap() {
        assert!(tool["title"].is_string(), "{tool}");
        for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
            assert!(tool["annotations"][hint].is_boolean(), "{hint} of {tool}");
        }
    }
    let called = client.modern("tools/call", json!({"name": "opendesk_peers", "arguments": {}})).await;
    assert!(text(&called).contains("local"));
    assert_eq!(called["result"]["resultType"], "complete");
    client.end().await;
}

#[tokio::test]
async fn a_revision_that_is_none_is_answered_with_those_that_are() {
    let (_folder, home) = home();
    let mut client = Client::of(&home);
    let params = json!({"_meta": meta("2099-01-01", &json!({}))});
    let refused = client.ask("tools/list", params).await;
    assert_eq!(refused["error"]["code"], -32022, "{refused}");
    assert!(refused["error"]["data"]["supported"].as_array().unwrap().contains(&json!(MODERN)));
    assert!(client.modern("tools/list", json!({})).await["result"]["tools"].is_array());
    client.end().await;
    for version in ["2099-01-01", "1.0", MODERN] {
        let mut client = Client::of(&home);
        let answer = client.initialize(version, json!({})).await;
        assert_eq!(answer["result"]["protocolVersion"], "2025-11-25", "{answer}");
        client.end().await;
    }
}

#[tokio::test]
async fn what_is_none_is_refused_in_the_protocols_words() {
    let (_folder, home) = home();
    let mut client = Client::of(&home);
    let unknown = client.modern("tools/call", json!({"name": "fly", "arguments": {}})).await;
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
    let wrong = client.modern("tools/call", json!({"name": "mouse", "arguments": {"action": "fly"}})).await;
    assert_eq!(wrong["result"]["isError"], true, "{wrong}");
    assert_eq!(client.modern("nothing/such", json!({})).await["error"]["code"], -32601);
    assert_eq!(client.modern("tools/list", json!({"cursor": "2"})).await["error"]["code"], -32602);
    client.end().await;
}

#[tokio::test]
async fn there_are_resources() {
    let (_folder, home) = home();
    let mut client = Client::of(&home);
    client.initialize("2025-11-25", json!({})).await;
    let shown = client.call("screenshot", json!({"peer": "local"})).await;
    let picture = shown["result"]["content"][1]["data"].as_str().unwrap().to_owned();
    client.call("keyboard", json!({"action": "type", "text": "hunter2", "peer": "local", "settle_ms": 0})).await;
    let listed = client.ask("resources/list", json!({})).await;
    let resources = listed["result"]["resources"].as_array().unwrap();
    let uris: Vec<_> = resources.iter().map(|resource| resource["uri"].as_str().unwrap()).collect();
    assert!(uris.contains(&"opendesk://peers") && uris.contains(&"opendesk://audit"), "{uris:?}");
    let shot = (*uris.iter().find(|uri| uri.starts_with("opendesk://shots/")).unwrap()).to_owned();
    let read = client.ask("resources/read", json!({"uri": shot})).await;
    assert_eq!(read["result"]["contents"][0]["blob"], picture);
    let templates = client.ask("resources/templates/list", json!({})).await;
    assert_eq!(templates["result"]["resourceTemplates"][0]["uriTemplate"], "opendesk://shots/{id}");
    let peers = client.ask("resources/read", json!({"uri": "opendesk://peers"})).await;
    let peers: Value = serde_json::from_str(peers["result"]["contents"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(peers["without_peer"], "local");
    let audit = client.ask("resources/read", json!({"uri": "opendesk://audit"})).await;
    let lines = audit["result"]["contents"][0]["text"].as_str().unwrap();
    let tools: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&tools[0]["tool"], &tools[1]["tool"]), (&json!("screenshot"), &json!("keyboard")));
    assert!(!lines.contains("hunter2"), "{lines}");
    for uri in ["opendesk://nothing", "opendesk://shots/none", "file:///etc/passwd"] {
        assert_eq!(client.ask("resources/read", json!({"uri": uri})).await["error"]["code"], -32002, "{uri}");
        assert_eq!(client.modern("resources/read", json!({"uri": uri})).await["error"]["code"], -32602, "{uri}");
    }
    client.end().await;
}
