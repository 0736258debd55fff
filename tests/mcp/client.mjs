// One client's session with `opendesk mcp`, by the official TypeScript SDKs: version 1 of them speaks the revisions up to
// 2025-11-25, version 2 those and 2026-07-28. Prints one line of JSON for every check, and exits with 1 after the first that
// fails.
//
//   client.mjs SDK ERA PLACE: SDK is 1 or 2; ERA is legacy or a revision to insist on; PLACE is the JSON of {command, args, env}
//   or of {url, token}. What the session is to find is in the environment: $TOOLS, the names of the tools.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [sdk, era, place] = [process.argv[2], process.argv[3], JSON.parse(process.argv[4])];
const require = createRequire(path.join(process.env.PACKAGES, 'package.json'));
const load = name => import(pathToFileURL(require.resolve(name)).href);

const IMAGE = /Picture of (\d+)x(\d+) pixels.* shot_id ([^,\s]+),/;

function passed(check, facts = {}) {
    console.log(JSON.stringify({ check, ok: true, ...facts }));
}

async function connect(answer) {
    const capabilities = { elicitation: {} };
    const about = { name: `typescript-sdk-${sdk}`, version: '1' };
    const headers = { Authorization: `Bearer ${place.token}` };
    let client;
    let transport;
    if (sdk === '1') {
        const [{ Client }, { StdioClientTransport }, { StreamableHTTPClientTransport }, { ElicitRequestSchema }] = await Promise.all(
            ['client/index.js', 'client/stdio.js', 'client/streamableHttp.js', 'types.js'].map(name => load(`@modelcontextprotocol/sdk/${name}`))
        );
        client = new Client(about, { capabilities });
        client.setRequestHandler(ElicitRequestSchema, request => answer(request.params));
        transport = place.url
            ? new StreamableHTTPClientTransport(new URL(place.url), { requestInit: { headers } })
            : new StdioClientTransport({ ...place, stderr: 'inherit' });
    } else {
        const [{ Client, StreamableHTTPClientTransport }, { StdioClientTransport }] = await Promise.all(
            ['client', 'client/stdio'].map(name => load(`@modelcontextprotocol/${name}`))
        );
        const mode = era === 'legacy' ? 'legacy' : { pin: era };
        client = new Client(about, { capabilities, versionNegotiation: { mode } });
        client.setRequestHandler('elicitation/create', request => answer(request.params));
        transport = place.url
            ? new StreamableHTTPClientTransport(new URL(place.url), { requestInit: { headers } })
            : new StdioClientTransport({ ...place, stderr: 'inherit' });
    }
    await client.connect(transport);
    return client;
}

function text(result) {
    assert.equal(result.structuredContent, undefined, 'clients drop pictures beside structured content');
    assert.equal(result.content[0].type, 'text', 'the text is first');
    return result.content[0].text;
}

async function say(client, name, args = {}, options = undefined) {
    const result = await call(client, name, args, options);
    assert.ok(!result.isError, `${name}: ${text(result)}`);
    return text(result);
}

// The third argument means something else in version 1.
function call(client, name, args, options) {
    const params = { name, arguments: args };
    return sdk === '1' ? client.callTool(params, undefined, options) : client.callTool(params, options);
}

async function main() {
    const asked = [];
    let next = 'decline';
    const client = await connect(params => {
        asked.push(params.message);
        return next === 'accept' ? { action: 'accept', content: { allow: true } } : { action: next };
    });

    const server = client.getServerVersion();
    assert.equal(server.name, 'opendesk');
    assert.ok(client.getInstructions().length > 200, 'agents are told how to work');
    if (sdk === '2' && era !== 'legacy') {
        assert.equal(client.getNegotiatedProtocolVersion(), era);
    }
    passed('connect', { revision: sdk === '2' ? client.getNegotiatedProtocolVersion() : undefined });

    const { tools } = await client.listTools();
    assert.deepEqual(tools.map(tool => tool.name), process.env.TOOLS.split(','));
    for (const tool of tools) {
        assert.ok(tool.title && tool.description, tool.name);
        for (const hint of ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint']) {
            assert.equal(typeof tool.annotations[hint], 'boolean', `${tool.name}: ${hint}`);
        }
        assert.equal(tool.outputSchema, undefined, tool.name);
    }
    passed('tools', { count: tools.length });

    const shot = await call(client, 'screenshot', { peer: 'local' });
    assert.deepEqual(shot.content.map(block => block.type), ['text', 'image'], text(shot));
    const said = IMAGE.exec(text(shot));
    assert.ok(said, `no shot_id, or not the size: ${text(shot)}`);
    const bytes = Buffer.from(shot.content[1].data, 'base64');
    assert.ok(bytes.length > 1000 && bytes.length < 1_000_000, `${bytes.length} bytes`);
    passed('screenshot');

    const [width, height, shot_id] = [Number(said[1]), Number(said[2]), said[3]];
    await say(client, 'mouse', { action: 'move', x: width / 2, y: height / 2, shot_id, peer: 'local', settle_ms: 0 });
    const outside = await call(client, 'mouse', { action: 'click', x: width + 1, y: 1, shot_id, peer: 'local' });
    assert.ok(outside.isError && !text(outside).includes('\n'), `a click beside the picture: ${text(outside)}`);
    passed('pointing');

    await assert.rejects(call(client, 'fly', {}), error => error.code === -32602);
    const wrong = await call(client, 'mouse', { action: 'fly' });
    assert.ok(wrong.isError, 'arguments that do not fit are told to the model');
    passed('refusals');

    const heard = [];
    const steps = [1, 2, 3].map(() => ({ tool: 'wait', arguments: { ms: 150 } }));
    await say(client, 'computer_batch', { peer: 'local', actions: steps, picture: false }, { onprogress: progress => heard.push(progress.progress) });
    assert.ok(heard.length > 0 && heard.every((value, index) => index === 0 || value > heard[index - 1]), `progress: ${heard}`);
    passed('progress', { heard });

    const stop = new AbortController();
    setTimeout(() => stop.abort('enough'), 300);
    const hold = { action: 'hold', key: 'shift', hold_duration: 10, peer: 'local' };
    await assert.rejects(call(client, 'keyboard', hold, { signal: stop.signal }));
    await say(client, 'opendesk_status');
    passed('cancellation');

    const { resources } = await client.listResources();
    const uris = resources.map(resource => resource.uri);
    assert.ok(uris.includes('opendesk://peers') && uris.includes('opendesk://audit'), `${uris}`);
    const { resourceTemplates } = await client.listResourceTemplates();
    assert.ok(resourceTemplates.some(template => template.uriTemplate === 'opendesk://shots/{id}'));
    const { contents } = await client.readResource({ uri: 'opendesk://peers' });
    JSON.parse(contents[0].text);
    const picture = await client.readResource({ uri: `opendesk://shots/${shot_id}` });
    assert.ok(bytes.equals(Buffer.from(picture.contents[0].blob, 'base64')), 'the picture that was shown');
    await assert.rejects(client.readResource({ uri: 'opendesk://nothing' }));
    passed('resources');

    // The owner's rules ask before a text is put on the clipboard.
    const write = { action: 'write', text: 'by leave', peer: 'local' };
    const declined = await call(client, 'clipboard', write);
    assert.ok(declined.isError, `nobody allowed it: ${text(declined)}`);
    assert.equal(asked.length, 1);
    next = 'accept';
    await say(client, 'clipboard', write);
    assert.equal(asked.length, 2);
    assert.ok((await say(client, 'clipboard', { action: 'read', peer: 'local' })).includes('by leave'));
    passed('approvals', { asked });

    await client.close();
}

try {
    await main();
} catch (error) {
    console.log(JSON.stringify({ check: String(error?.message ?? error), ok: false }));
    console.error(error);
    process.exit(1);
}
