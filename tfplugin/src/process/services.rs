//! The services of a go-plugin besides the plugin's own: controller, stdio, broker, health.
//!
//! Their streams carry nothing but stay open until the process ends. That also keeps Terraform's
//! gRPC client from closing a connection which has been idle for half an hour.

use std::{
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use proto::{
    health::{
        HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse,
        health_check_response::ServingStatus, health_server::Health,
    },
    plugin::{
        ConnInfo, Empty, StdioData, grpc_broker_server::GrpcBroker, grpc_controller_server::GrpcController,
        grpc_stdio_server::GrpcStdio,
    },
};
use tokio_stream::{Stream, StreamExt as _};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::{Request, Response, Status, Streaming};

/// The name under which a go-plugin server reports its health.
const HEALTH_SERVICE: &str = "plugin";

/// Answers for the process; `ended` is what begins its end.
#[derive(Debug, Clone)]
pub(super) struct ProcessServices {
    ended: CancellationToken,
}

impl ProcessServices {
    pub(super) fn new(ended: CancellationToken) -> Self {
        Self { ended }
    }

    fn until_ended<T>(&self) -> UntilEnded<T> {
        UntilEnded { ended: Box::pin(self.ended.clone().cancelled_owned()), items: PhantomData }
    }
}

#[tonic::async_trait]
impl GrpcController for ProcessServices {
    async fn shutdown(&self, _request: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.ended.cancel();
        Ok(Response::new(Empty {}))
    }
}

#[tonic::async_trait]
impl GrpcStdio for ProcessServices {
    type StreamStdioStream = UntilEnded<StdioData>;

    /// Nothing is sent: what a plugin has to say goes to stderr, and Terraform would log as
    /// unexpected whatever came here.
    async fn stream_stdio(&self, _request: Request<()>) -> Result<Response<Self::StreamStdioStream>, Status> {
        Ok(Response::new(self.until_ended()))
    }
}

#[tonic::async_trait]
impl GrpcBroker for ProcessServices {
    type StartStreamStream = UntilEnded<ConnInfo>;

    /// Providers need no further connections: what the client offers is read and left alone.
    async fn start_stream(
        &self,
        request: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<Self::StartStreamStream>, Status> {
        let mut offers = request.into_inner();
        tokio::spawn(
            self.ended
                .clone()
                .run_until_cancelled_owned(async move { while let Some(Ok(_)) = offers.next().await {} }),
        );
        Ok(Response::new(self.until_ended()))
    }
}

#[tonic::async_trait]
impl Health for ProcessServices {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        match status(&request.get_ref().service) {
            ServingStatus::Serving => Ok(Response::new(response(ServingStatus::Serving))),
            _ => Err(Status::not_found(format!(
                "the services with a health are \"{HEALTH_SERVICE}\" and \"\", found {:?}",
                request.get_ref().service
            ))),
        }
    }

    async fn list(
        &self,
        _request: Request<HealthListRequest>,
    ) -> Result<Response<HealthListResponse>, Status> {
        let statuses = [(HEALTH_SERVICE.to_owned(), response(ServingStatus::Serving))].into();
        Ok(Response::new(HealthListResponse { statuses }))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let now = tokio_stream::once(Ok(response(status(&request.get_ref().service))));
        Ok(Response::new(Box::pin(now.chain(self.until_ended()))))
    }
}

/// The empty name stands for the process as a whole. While the process answers, it serves.
fn status(service: &str) -> ServingStatus {
    match service {
        "" | HEALTH_SERVICE => ServingStatus::Serving,
        _ => ServingStatus::ServiceUnknown,
    }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

/// A stream without items that closes when the process ends.
pub(super) struct UntilEnded<T> {
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    items: PhantomData<fn() -> T>,
}

impl<T> Stream for UntilEnded<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.ended.as_mut().poll(context).map(|()| None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services() -> ProcessServices {
        ProcessServices::new(CancellationToken::new())
    }

    fn about(service: &str) -> Request<HealthCheckRequest> {
        Request::new(HealthCheckRequest { service: service.into() })
    }

    #[tokio::test]
    async fn shutdown_begins_the_end() {
        let services = services();
        services.shutdown(Request::new(Empty {})).await.unwrap();
        assert!(services.ended.is_cancelled());
    }

    #[tokio::test]
    async fn streams_close_at_the_end_and_not_before() {
        let services = services();
        let mut stdio = services.stream_stdio(Request::new(())).await.unwrap().into_inner();
        let mut health = services.watch(about("plugin")).await.unwrap().into_inner();
        assert_eq!(health.next().await.unwrap().unwrap().status(), ServingStatus::Serving);
        let mut next = poll_once(stdio.next());
        assert!(next.is_none(), "stdio is closed while the process lives");
        services.ended.cancel();
        next = poll_once(stdio.next());
        assert!(matches!(next, Some(None)));
        assert!(health.next().await.is_none());
    }

    /// What a future says when it is asked once.
    fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
        let mut future = std::pin::pin!(future);
        match future.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    #[tokio::test]
    async fn health_is_that_of_the_plugin() {
        let services = services();
        for service in ["", "plugin"] {
            let response = services.check(about(service)).await.unwrap();
            assert_eq!(response.get_ref().status(), ServingStatus::Serving);
        }
        let status = services.check(about("other")).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::NotFound);
        let mut watch = services.watch(about("other")).await.unwrap().into_inner();
        assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::ServiceUnknown);
        let list = services.list(Request::new(HealthListRequest {})).await.unwrap().into_inner();
        assert_eq!(list.statuses["plugin"].status(), ServingStatus::Serving);
    }
}
