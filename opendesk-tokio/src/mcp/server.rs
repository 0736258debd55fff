//! What the server answers, whatever carries it.

use core::future::pending;
use core::panic::AssertUnwindSafe;
use core::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use opendesk_std::tools::{Block, Caller, Consent, Deferred, Hints, INSTRUCTIONS, Output, Progress, Session, TOOLS};
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestMethod, CompleteRequestParams,
    CompleteResult, ContentBlock, DiscoverResult, Implementation, InitializeRequestParams, InitializeResult,
    ListPromptsRequestMethod, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
    MetaObject, PaginatedRequestParams, ProtocolVersion, ReadResourceRequestParams, ReadResourceResponse,
    ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData, ServerHandler};
use serde_json::Value;

use super::approvals::{Approvals, AsksClient, Verified};
use super::http::{Clients, Own};
use super::presence::Presence;
use super::progress::Reports;
use super::resources;

/// How long a list may be kept: it stays the same until another version of this program is started.
pub(super) const LISTS_TTL_MS: u64 = 60 * 60 * 1000;

/// Whose session a request belongs to.
pub(super) enum Sessions {
    /// There is one client, on streams of its own.
    One {
        /// Its session.
        session: Session,
        /// Whether it is still there.
        client: Presence,
    },
    /// There are many, on HTTP. Those that have said `initialize` have a session of their own, which begins then.
    Many {
        /// Where sessions come from, and where those belong that have none.
        clients: Arc<Clients>,
        /// The session of this one.
        own: Own,
    },
}

/// A running tool.
type Running = Pin<Box<dyn Future<Output = Result<Output, Box<Deferred>>> + Send>>;

/// Runs a tool.
pub(super) type Run = fn(Session, String, Value) -> Running;

/// The handler of one client, or on HTTP of one request that belongs to no session.
pub(super) struct Server {
    sessions: Sessions,
    approvals: Arc<Approvals>,
    run: Run,
}

impl Server {
    pub(super) fn new(sessions: Sessions) -> Self {
        let approvals = match &sessions {
            Sessions::One { .. } => Arc::new(Approvals::new()),
            Sessions::Many { clients, .. } => Arc::clone(&clients.approvals),
        };
        let run: Run = |session, name, arguments| Box::pin(async move { session.call_or_ask(&name, arguments).await });
        Self { sessions, approvals, run }
    }

    /// The same, with other tools behind it.
    #[cfg(test)]
    pub(super) fn running(self, run: Run) -> Self {
        Self { run, ..self }
    }

    fn session(&self) -> &Session {
        match &self.sessions {
            Sessions::One { session, .. } => session,
            Sessions::Many { clients, own } => own.get().unwrap_or(&clients.stateless),
        }
    }

    /// Waits until the client has gone. Of one without a session, the end of its request tells.
    async fn left(&self) {
        match &self.sessions {
            Sessions::One { client, .. } => client.left().await,
            Sessions::Many { own, .. } => match own.client() {
                Some(client) => client.left().await,
                None => pending().await,
            },
        }
    }

    /// How a person is asked about a call; or why it does not come to that.
    fn consent(
        &self,
        request: &CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<Consent, CallToolResult> {
        if !can_ask(context) {
            return Ok(Consent::Dialog);
        }
        if !is_modern(context) {
            return Ok(Consent::Ask(Arc::new(AsksClient(context.peer.clone()))));
        }
        if !self.approvals.can_seal() {
            return Ok(Consent::Dialog);
        }
        match self.approvals.verify(self.session(), request) {
            Verified::Unasked => Ok(Consent::Defer),
            Verified::Granted(consent) => Ok(consent),
            Verified::Refused(why) => Err(result(Output::error(why))),
        }
    }

    async fn call(
        &self,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let consent = match self.consent(&request, context) {
            Ok(consent) => consent,
            Err(refused) => return Ok(refused.into()),
        };
        let reports = context.meta.get_progress_token().map(|token| Arc::new(Reports::new(token)));
        let progress = reports.clone().map(|reports| reports as Arc<dyn Progress>);
        let session = self.session().for_caller(Caller::new(progress, consent));
        let arguments = request.arguments.clone().map_or(Value::Null, Value::Object);
        let call = (self.run)(session, request.name.to_string(), arguments);
        // A tool that panics is one failed call; the message of the panic has gone to standard error.
        let call = AssertUnwindSafe(call).catch_unwind();
        let done = match &reports {
            Some(reports) => reports.send_during(&context.peer, call).await,
            None => call.await,
        };
        match done {
            Ok(Ok(output)) => Ok(result(output).into()),
            Ok(Err(asked)) => match self.approvals.ask(self.session(), &request, asked) {
                Ok(asked) => Ok(asked.into()),
                Err(why) => Ok(result(Output::error(why)).into()),
            },
            Err(_panic) => {
                let why = format!(
                    "{} failed by an error in opendesk itself, which its standard error tells; look before you go on, \
                     because it may have done a part",
                    request.name
                );
                Ok(result(Output::error(why)).into())
            }
        }
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_resources().build();
        ServerConfig::new(capabilities).with_server_info(identity()).with_instructions(INSTRUCTIONS)
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        if let Sessions::Many { clients, own } = &self.sessions {
            own.begin(clients, context.extensions.get::<Presence>().cloned().unwrap_or_default());
        }
        context.peer.set_peer_info(request.clone());
        self.negotiate_initialize(&request)
    }

    async fn discover(&self, _context: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        let versions = self.supported_protocol_versions().into_owned();
        let mut found = DiscoverResult::from_server_info(versions, self.get_info());
        found.ttl_ms = LISTS_TTL_MS;
        found.cache_scope = CacheScope::Public;
        Ok(found)
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        only_page(request.as_ref())?;
        let mut list = ListToolsResult::with_all_items(TOOLS.iter().map(described).collect());
        if is_modern(&context) {
            list = list.with_ttl_ms(LISTS_TTL_MS).with_cache_scope(CacheScope::Public);
            list.meta = Some(meta());
        }
        Ok(list)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if !TOOLS.iter().any(|tool| tool.name == request.name) {
            let message = format!("no tool is called {:?}; tools/list names them", request.name);
            return Err(ErrorData::invalid_params(message, None));
        }
        // Dropping the call's future is what cancels it: keys come up, typing stops.
        let mut answer = tokio::select! {
            answer = self.call(request, &context) => answer?,
            () = context.ct.cancelled() => return Err(ErrorData::internal_error("cancelled", None)),
            () = self.left() => return Err(ErrorData::internal_error("cancelled, because the client has left", None)),
        };
        if is_modern(&context)
            && let CallToolResponse::Complete(result) = &mut answer
        {
            result.meta = Some(meta());
        }
        Ok(answer)
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        only_page(request.as_ref())?;
        let mut list = ListResourcesResult::with_all_items(resources::list(self.session()));
        if is_modern(&context) {
            // It names the last pictures.
            list = list.with_ttl_ms(0).with_cache_scope(CacheScope::Private);
            list.meta = Some(meta());
        }
        Ok(list)
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        only_page(request.as_ref())?;
        let mut list = ListResourceTemplatesResult::with_all_items(resources::templates());
        if is_modern(&context) {
            list = list.with_ttl_ms(LISTS_TTL_MS).with_cache_scope(CacheScope::Public);
            list.meta = Some(meta());
        }
        Ok(list)
    }

    // What is not offered is not answered as if there were none of it.
    async fn list_prompts(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Err(ErrorData::method_not_found::<ListPromptsRequestMethod>())
    }

    async fn complete(
        &self,
        _request: CompleteRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        Err(ErrorData::method_not_found::<CompleteRequestMethod>())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let mut read = resources::read(self.session(), &request.uri)?;
        if is_modern(&context) {
            read.cache_scope = Some(CacheScope::Private);
            read.ttl_ms = Some(0);
            read.meta = Some(meta());
        }
        Ok(read.into())
    }
}

fn identity() -> Implementation {
    Implementation::new("opendesk", env!("CARGO_PKG_VERSION")).with_title("opendesk")
}

/// Who answers, as the revision 2026-07-28 has it in every result.
fn meta() -> MetaObject {
    let mut meta = MetaObject::new();
    if let Ok(identity) = serde_json::to_value(identity()) {
        meta.insert("io.modelcontextprotocol/serverInfo".to_owned(), identity);
    }
    meta
}

/// Whether a request is of the revision 2026-07-28 or of a later one.
fn is_modern(context: &RequestContext<RoleServer>) -> bool {
    // Their names are dates.
    let is_modern = |version: ProtocolVersion| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str();
    context.protocol_version().is_some_and(is_modern)
}

/// Whether the client has said that it can put a form before a person.
fn can_ask(context: &RequestContext<RoleServer>) -> bool {
    let declared = context.client_capabilities().and_then(|capabilities| capabilities.elicitation);
    // Without a word about forms or addresses it is forms.
    declared.is_some_and(|modes| modes.form.is_some() || modes.url.is_none())
}

/// Everything is on the first page, so nobody has been given the name of another.
fn only_page(request: Option<&PaginatedRequestParams>) -> Result<(), ErrorData> {
    if request.is_some_and(|request| request.cursor.is_some()) {
        return Err(ErrorData::invalid_params("there is no such cursor; everything is on the first page", None));
    }
    Ok(())
}

fn described(tool: &opendesk_std::tools::Tool) -> Tool {
    Tool::new(tool.name, tool.description, Arc::new(tool.schema()))
        .with_title(tool.title)
        .with_annotations(annotations(tool.hints, tool.title))
}

fn annotations(hints: Hints, title: &str) -> ToolAnnotations {
    ToolAnnotations::with_title(title)
        .read_only(hints.read_only)
        .destructive(hints.destructive)
        .idempotent(hints.idempotent)
        .open_world(hints.open_world)
}

/// Never structured content: clients that show it drop the pictures beside it.
fn result(output: Output) -> CallToolResult {
    let content = output
        .blocks
        .into_iter()
        .map(|block| match block {
            Block::Text(text) => ContentBlock::text(text),
            Block::Image { mime_type, data } => ContentBlock::image(Block::base64(&data), mime_type),
        })
        .collect();
    if output.is_error { CallToolResult::error(content) } else { CallToolResult::success(content) }
}
