//! A plugin process seen from outside: started as Terraform starts it, with a real TLS client.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed expectation fails the test")]

use std::{
    env, fs, io,
    net::Shutdown,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    sync::Arc,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use hyper_util::rt::TokioIo;
use proto::{
    health::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient},
    plugin::{
        Empty, grpc_broker_client::GrpcBrokerClient, grpc_controller_client::GrpcControllerClient,
        grpc_stdio_client::GrpcStdioClient,
    },
    tfplugin6::{DynamicValue, call_function, provider_client::ProviderClient, validate_provider_config},
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, PKCS_ECDSA_P521_SHA512};
use rustix::process::{Pid, Signal, kill_process};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, BufReader},
    net::{TcpStream, UnixStream},
    process::{Child, ChildStderr, ChildStdout, Command},
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tonic::{
    Status,
    transport::{Channel, Endpoint},
};
use tower::service_fn;

const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// How long Terraform waits for a process that it told to end; then it kills it.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(2);

/// Nothing here takes that long; what does has hung.
const HUNG: Duration = Duration::from_secs(30);

/// A certificate such as Terraform's: P-521, self-signed, an authority.
struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Identity {
    fn new() -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512).unwrap();
        let mut parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { certificate: parameters.self_signed(&key).unwrap(), key }
    }
}

/// A running plugin. Its socket is in a directory of its own.
struct Plugin {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: BufReader<ChildStderr>,
    temporary: TempDir,
}

impl Plugin {
    fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let mut child = Command::new(executable())
            .args(arguments)
            .env_clear()
            .env("TMPDIR", temporary.path())
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stdout, stderr, temporary }
    }

    /// As Terraform does.
    fn launch(variables: &[(&str, &str)]) -> Self {
        Self::launch_with(&[], variables)
    }

    fn launch_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::start(arguments, &[&[("TF_PLUGIN_MAGIC_COOKIE", COOKIE)], variables].concat())
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        timeout(HUNG, self.stdout.read_line(&mut line)).await.expect("the plugin says nothing").unwrap();
        line.strip_suffix('\n').expect("a whole line").to_owned()
    }

    async fn handshake(&mut self) -> Vec<String> {
        self.line().await.split('|').map(str::to_owned).collect()
    }

    /// Reads the log up to a message. The plugin must log.
    async fn logged(&mut self, message: &str) {
        let mut line = String::new();
        while !line.contains(message) {
            line.clear();
            timeout(HUNG, self.stderr.read_line(&mut line)).await.expect("nothing is logged").unwrap();
            assert!(!line.is_empty(), "the log ends without {message:?}");
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id().expect("it runs")).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Waits for the process to end by itself; what is left on stdout and stderr.
    async fn ended(self) -> Output {
        self.ended_within(HUNG).await
    }

    async fn ended_within(mut self, deadline: Duration) -> Output {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        // Read while waiting: a plugin that cannot write does not end.
        let end = async {
            tokio::try_join!(
                self.child.wait(),
                self.stdout.read_to_end(&mut stdout),
                self.stderr.read_to_end(&mut stderr)
            )
        };
        let (status, ..) = timeout(deadline, end).await.expect("the plugin does not end").unwrap();
        let left = fs::read_dir(&self.temporary).unwrap().map(|entry| entry.unwrap().path());
        assert_eq!(left.collect::<Vec<_>>(), [] as [PathBuf; 0], "files are left behind");
        Output { status, stdout, stderr }
    }
}

/// The example that is built along with the tests.
fn executable() -> PathBuf {
    let tests = env::current_exe().unwrap();
    let profile = tests.ancestors().nth(2).unwrap();
    let executable = profile.join("examples/minimal_plugin");
    assert!(
        executable.exists(),
        "{} is missing: cargo test builds it unless --test is given; then run cargo build -p tfplugin --examples",
        executable.display()
    );
    executable
}

/// Speaks gRPC over a stream, with TLS where there is a configuration for it.
async fn connect<S: Bytes + 'static>(
    stream: S,
    tls: Option<ClientConfig>,
) -> Result<Channel, tonic::transport::Error> {
    let mut stream = Some(stream); // one connection, as Terraform has
    let connector = service_fn(move |_| {
        let (stream, tls) = (stream.take(), tls.clone());
        async move {
            let stream = stream.ok_or_else(|| io::Error::other("the connection is gone"))?;
            let Some(tls) = tls else { return Ok(TokioIo::new(Box::new(stream) as Box<dyn Bytes>)) };
            let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
            let stream = TlsConnector::from(Arc::new(tls)).connect(name, stream).await?;
            Ok::<_, io::Error>(TokioIo::new(Box::new(stream) as Box<dyn Bytes>))
        }
    });
    Endpoint::from_static("http://localhost").connect_with_connector(connector).await
}

trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

async fn plain(socket: &str) -> Channel {
    connect(UnixStream::connect(socket).await.unwrap(), None).await.unwrap()
}

/// Trusts exactly the announced certificate, and proves itself with `client`.
fn tls(announced: &str, client: Option<&Identity>) -> ClientConfig {
    let announced = CertificateDer::from(STANDARD_NO_PAD.decode(announced).unwrap());
    let mut roots = RootCertStore::empty();
    roots.add(announced).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match client {
        None => config.with_no_client_auth(),
        Some(Identity { certificate, key }) => {
            let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
            config.with_client_auth_cert(vec![certificate.der().clone()], key).unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

/// Calls a function that returns.
async fn call(channel: &Channel, function: &str) -> Result<call_function::Response, Status> {
    timeout(HUNG, begin(channel, function)).await.expect("the plugin does not answer")
}

async fn begin(channel: &Channel, function: &str) -> Result<call_function::Response, Status> {
    let request = call_function::Request { name: function.to_owned(), arguments: Vec::new() };
    Ok(ProviderClient::new(channel.clone()).call_function(request).await?.into_inner())
}

#[track_caller]
fn assert_answered(response: Result<call_function::Response, Status>) {
    let result = response.unwrap().result.expect("a result");
    assert_eq!(&result.msgpack[..], b"\xa4done");
}

/// As Terraform ends a process. Its answer does not matter.
async fn shut_down(channel: &Channel) {
    let answer = GrpcControllerClient::new(channel.clone()).shutdown(Empty {}).await;
    assert!(answer.is_ok() || answer.is_err_and(|status| status.code() != tonic::Code::Unimplemented));
}

#[tokio::test]
async fn a_human_gets_an_explanation() {
    let output = Plugin::start(&[], &[]).ended().await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("This is a Terraform provider") && stderr.contains("-debug"), "{stderr}");
}

#[tokio::test]
async fn the_handshake_without_tls() {
    let mut plugin = Plugin::launch(&[]);
    let fields = plugin.handshake().await;
    let [core, protocol, network, socket, kind, certificate] = &fields[..] else { panic!("{fields:?}") };
    assert_eq!([core, protocol, network, kind, certificate], ["1", "6", "unix", "grpc", ""]);

    let directory = Path::new(socket).parent().unwrap();
    assert_eq!(directory.parent(), Some(plugin.temporary.path()));
    assert_eq!(fs::metadata(directory).unwrap().permissions().mode() & 0o777, 0o700);

    let channel = plain(socket).await;
    assert_answered(call(&channel, "answer").await);
    shut_down(&channel).await;
    let output = plugin.ended().await;
    assert!(output.status.success());
    assert_eq!(output.stdout, b"", "stdout is for the handshake only");
    assert_eq!(output.stderr, b"", "nobody asked for logs");
}

#[tokio::test]
async fn the_seventh_field_is_printed_on_request() {
    let mut plugin = Plugin::launch(&[("PLUGIN_MULTIPLEX_GRPC", "true")]);
    assert_eq!(plugin.handshake().await[5..], ["", "false"]);
}

#[tokio::test]
async fn only_the_right_client_gets_in() {
    let (terraform, stranger) = (Identity::new(), Identity::new());
    let mut plugin = Plugin::launch(&[("PLUGIN_CLIENT_CERT", &terraform.certificate.pem())]);
    let fields = plugin.handshake().await;
    let (socket, announced) = (&fields[3], &fields[5]);

    for refused in [None, Some(&stranger)] {
        let stream = UnixStream::connect(socket).await.unwrap();
        // In TLS 1.3 a client learns only after its own handshake that it was refused.
        if let Ok(channel) = connect(stream, Some(tls(announced, refused))).await {
            call(&channel, "answer").await.unwrap_err();
        }
    }
    let stream = UnixStream::connect(socket).await.unwrap();
    if let Ok(channel) = connect(stream, None).await {
        call(&channel, "answer").await.unwrap_err();
    }

    let stream = UnixStream::connect(socket).await.unwrap();
    let channel = connect(stream, Some(tls(announced, Some(&terraform)))).await.unwrap();
    assert_answered(call(&channel, "answer").await);
    shut_down(&channel).await;
    assert!(plugin.ended().await.status.success());
}

#[tokio::test]
async fn the_user_learns_why_a_plugin_cannot_start() {
    let mut plugin = Plugin::launch(&[("PLUGIN_CLIENT_CERT", "no certificate")]);
    let line = plugin.line().await;
    assert!(line.starts_with("The provider cannot start: PLUGIN_CLIENT_CERT must be"), "{line}");
    let output = plugin.ended().await;
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("PLUGIN_CLIENT_CERT must be"));
}

#[tokio::test]
async fn a_port_instead_of_a_socket() {
    let mut plugin = Plugin::launch_with(&["-tcp"], &[]);
    let fields = plugin.handshake().await;
    assert_eq!(fields[2], "tcp");
    let channel = connect(TcpStream::connect(&fields[3]).await.unwrap(), None).await.unwrap();
    assert_answered(call(&channel, "answer").await);
}

#[tokio::test]
async fn the_other_services_answer() {
    let mut plugin = Plugin::launch(&[]);
    let channel = plain(&plugin.handshake().await[3]).await;

    let health = HealthCheckRequest { service: "plugin".to_owned() };
    let health = HealthClient::new(channel.clone()).check(health).await.unwrap();
    assert_eq!(health.get_ref().status(), ServingStatus::Serving);

    let mut stdio = GrpcStdioClient::new(channel.clone()).stream_stdio(()).await.unwrap().into_inner();
    let offers = tokio_stream::pending();
    let mut broker = GrpcBrokerClient::new(channel.clone()).start_stream(offers).await.unwrap().into_inner();
    shut_down(&channel).await;
    let (stdio, broker) = timeout(HUNG, async { tokio::join!(stdio.message(), broker.message()) })
        .await
        .expect("the streams stay open");
    assert_eq!(stdio.unwrap(), None, "streams are closed properly");
    assert_eq!(broker.unwrap(), None);
    assert!(plugin.ended().await.status.success());
}

#[tokio::test]
async fn requests_may_be_large() {
    let mut plugin = Plugin::launch(&[]);
    let channel = plain(&plugin.handshake().await[3]).await;
    let config = DynamicValue { msgpack: vec![0; 8 << 20].into(), ..DynamicValue::default() };
    let request = validate_provider_config::Request { config: Some(config) };
    ProviderClient::new(channel).validate_provider_config(request).await.unwrap();
}

#[tokio::test]
async fn many_calls_do_not_hold_up_another() {
    let mut plugin = Plugin::launch(&[("TF_LOG", "INFO")]);
    let channel = plain(&plugin.handshake().await[3]).await;
    for _ in 0..300 {
        tokio::spawn(hanging_call(channel.clone()));
        plugin.logged("a function hangs").await;
    }
    assert_answered(call(&channel, "answer").await);
}

#[tokio::test]
async fn shutdown_does_not_wait_for_a_call_that_hangs() {
    let mut plugin = Plugin::launch(&[("TF_LOG", "INFO")]);
    let channel = plain(&plugin.handshake().await[3]).await;
    let _hanging = tokio::spawn(hanging_call(channel.clone()));
    plugin.logged("a function hangs").await;
    shut_down(&channel).await;
    let output = plugin.ended_within(SHUTDOWN_DEADLINE).await;
    assert!(output.status.success());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("calls that were still running have been dropped"), "{stderr}");
}

#[tokio::test]
async fn a_plugin_ends_when_its_client_is_gone() {
    let mut plugin = Plugin::launch(&[("TF_LOG", "INFO")]);
    let stream = std::os::unix::net::UnixStream::connect(&plugin.handshake().await[3]).unwrap();
    stream.set_nonblocking(true).unwrap();
    let same_stream = UnixStream::from_std(stream.try_clone().unwrap()).unwrap();
    let channel = connect(same_stream, None).await.unwrap();
    let _hanging = tokio::spawn(hanging_call(channel));
    plugin.logged("a function hangs").await;
    stream.shutdown(Shutdown::Both).unwrap();
    assert!(plugin.ended().await.status.success());
}

/// A call that is answered by the end of the plugin, if at all.
async fn hanging_call(channel: Channel) {
    drop(begin(&channel, "hang").await);
}

#[tokio::test]
async fn an_interrupt_is_left_to_terraform() {
    let mut plugin = Plugin::launch(&[]);
    let channel = plain(&plugin.handshake().await[3]).await;
    plugin.signal(Signal::INT);
    assert_answered(call(&channel, "answer").await);
    shut_down(&channel).await;
    assert!(plugin.ended().await.status.success());
}

#[tokio::test]
async fn a_terminated_plugin_cleans_up() {
    let mut plugin = Plugin::launch(&[]);
    plugin.handshake().await;
    plugin.signal(Signal::TERM);
    assert!(plugin.ended().await.status.success());
}

#[tokio::test]
async fn debug_mode_serves_many_clients_until_interrupted() {
    let terraform = Identity::new();
    // Without cookie; a certificate is of no consequence.
    let mut plugin = Plugin::start(&["-debug"], &[("PLUGIN_CLIENT_CERT", &terraform.certificate.pem())]);
    let line = plugin.line().await;
    let json = line.strip_prefix("export TF_REATTACH_PROVIDERS='").and_then(|rest| rest.strip_suffix('\''));
    let providers: Value = serde_json::from_str(json.expect("a line for a shell")).unwrap();
    let provider = &providers["registry.terraform.io/example/minimal"];
    assert_eq!(provider["Protocol"], "grpc");
    assert_eq!(provider["ProtocolVersion"], 6);
    assert_eq!(provider["Test"], true);
    assert_eq!(provider["Pid"], plugin.child.id().unwrap());
    assert_eq!(provider["Addr"]["Network"], "unix");

    for _ in 0..2 {
        let channel = plain(provider["Addr"]["String"].as_str().unwrap()).await;
        assert_answered(call(&channel, "answer").await);
    }
    plugin.signal(Signal::INT);
    let output = plugin.ended().await;
    assert!(output.status.success());
    assert_eq!(output.stdout, b"");
}

#[tokio::test]
async fn logs_are_hclog_lines_of_known_crates() {
    let mut plugin = Plugin::launch(&[("TF_LOG", "TRACE")]);
    let channel = plain(&plugin.handshake().await[3]).await;
    assert_answered(call(&channel, "log").await);
    shut_down(&channel).await;
    let stderr = String::from_utf8(plugin.ended().await.stderr).unwrap();
    let lines = stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>();
    for line in &lines {
        assert!(line["@level"].is_string() && line["@message"].is_string(), "{line}");
        let module = line["@module"].as_str().unwrap();
        assert!(module.starts_with("tfplugin") || module.starts_with("minimal_plugin"), "{line}");
        assert_eq!(line["@timestamp"].as_str().unwrap().len(), "2026-01-01T00:00:00.123456Z".len());
    }
    let call = lines.iter().find(|line| line["@message"] == "a function is called").expect("the call's line");
    assert_eq!(call["@level"], "info");
    assert_eq!(call["@module"], "minimal_plugin");
    assert_eq!(call["tf_rpc"], "CallFunction");
}

#[tokio::test]
async fn a_panic_in_a_handler_is_an_error_of_that_handler() {
    let mut plugin = Plugin::launch(&[("TF_LOG", "TRACE")]);
    let channel = plain(&plugin.handshake().await[3]).await;
    let error = call(&channel, "panic").await.unwrap().error.expect("an error").text;
    assert!(error.starts_with("the provider panicked at "), "{error}");
    assert!(error.contains("minimal_plugin.rs:"), "{error}");
    assert_answered(call(&channel, "answer").await);

    shut_down(&channel).await;
    let stderr = String::from_utf8(plugin.ended().await.stderr).unwrap();
    assert!(stderr.contains("a handler panicked") && stderr.contains("backtrace"), "{stderr}");
    assert!(!stderr.contains("canary-secret") && !error.contains("canary-secret"), "{stderr}");
    assert!(stderr.lines().all(|line| line.starts_with('{')), "it looks like a crash: {stderr}");
}

#[tokio::test]
async fn a_panic_that_kills_the_process_is_a_crash_report() {
    let output = Plugin::launch_with(&["-crash"], &[]).ended().await;
    assert!(!output.status.success());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("panic: crashed on request\nat "), "{stderr}");
    assert!(stderr.contains("minimal_plugin.rs:"), "{stderr}");
}
