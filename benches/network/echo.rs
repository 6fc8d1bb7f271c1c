//! The peer: what HTTP and gRPC cost by themselves. Nothing is read beyond what the protocol needs, and nothing is kept.

use std::net::TcpListener;
use std::pin::Pin;

use actix_web::web::{self, Bytes, PayloadConfig};
use actix_web::{App, HttpResponse, HttpServer};
use futures_util::{Stream, StreamExt};
use hongbao::proto::answer::Outcome;
use hongbao::proto::hongbao_server::{Hongbao, HongbaoServer};
use hongbao::proto::{Answer, Answers, Batch, Commission, Message, Purchased};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

/// Serves until it is killed.
pub fn serve() {
    let (http, grpc) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    println!("{}\nhttp://{}", http.local_addr().unwrap(), grpc.local_addr().unwrap());
    std::thread::spawn(move || {
        grpc.set_nonblocking(true).unwrap();
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let incoming = TcpIncoming::from(tokio::net::TcpListener::from_std(grpc).unwrap());
            let service = HongbaoServer::new(Echo).max_decoding_message_size(16 * 1024 * 1024);
            Server::builder()
                .add_service(service)
                .serve_with_incoming(incoming.with_nodelay(Some(true)))
                .await
                .unwrap();
        });
    });
    let echo = |body: Bytes| async { HttpResponse::Ok().content_type("application/json").body(body) };
    let app =
        move || App::new().app_data(PayloadConfig::new(16 * 1024 * 1024)).default_service(web::to(echo));
    actix_web::rt::System::new().block_on(HttpServer::new(app).listen(http).unwrap().run()).unwrap();
}

struct Echo;

#[tonic::async_trait]
impl Hongbao for Echo {
    type SubmitStream = Pin<Box<dyn Stream<Item = Result<Answers, Status>> + Send>>;

    async fn submit(
        &self,
        request: Request<Streaming<Batch>>,
    ) -> Result<Response<Self::SubmitStream>, Status> {
        let answers = request.into_inner().map(|batch| {
            let Batch { id, messages } = batch?;
            let answers = messages.iter().map(|_| answer()).collect();
            Ok(Answers { id, answers, problem: None })
        });
        Ok(Response::new(Box::pin(answers)))
    }

    async fn send(&self, _: Request<Message>) -> Result<Response<Answer>, Status> {
        Ok(Response::new(answer()))
    }
}

/// An answer as a purchase has.
fn answer() -> Answer {
    let text = |text: &str| text.to_owned();
    let commission = Commission {
        became: text("settled"),
        cashed: Some(text("2.00")),
        promises: Some(2),
        returned: Some(text("3.00")),
        factors: Vec::new(),
    };
    let purchased = Purchased {
        serial: 1_000,
        currency: text("USD"),
        price: text("100.00"),
        commission: Some(commission),
        credits_left: 0,
    };
    Answer { outcome: Some(Outcome::Purchased(purchased)), ..Answer::default() }
}
