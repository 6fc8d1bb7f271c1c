//! A connection that ends where somebody has begun to ask and is not answered, and where nothing moves.
//!
//! actix bounds the time of a first request's head, of a body that somebody waits for and of silence behind an answer. With half of a
//! second head, a body that nobody wants or an answer that is not taken, anybody could keep a connection for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::limits::{ASKING_SECONDS_MAX, STILL_SECONDS_MAX};

/// What comes from a client is at its end once nothing has been written for so long since something came.
const PATIENCE: Duration = Duration::from_secs(ASKING_SECONDS_MAX);

/// Once nothing has come or gone for so long, the connection breaks off, whatever is being done.
const STILLNESS: Duration = Duration::from_secs(STILL_SECONDS_MAX);

/// A stream of bytes in both directions.
pub(super) struct Patient<Io> {
    io: Io,
    /// When bytes came or went last.
    moved: Instant,
    /// When the first bytes came since the last went.
    asked: Option<Instant>,
    /// Wakes whoever waits. It is not set anew whenever bytes move, so it may be early.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<Io> Patient<Io> {
    pub(super) fn new(io: Io) -> Patient<Io> {
        Patient { io, moved: Instant::now(), asked: None, timer: None }
    }

    /// Ready from that instant on.
    fn poll_until(&mut self, end: Instant, context: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
        loop {
            ready!(timer.as_mut().poll(context));
            if Instant::now() >= end {
                return Poll::Ready(());
            }
            timer.as_mut().reset(end);
        }
    }

    /// What goes on waiting fails where nothing has moved for too long.
    fn while_moving<T>(
        &mut self,
        polled: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if polled.is_pending() {
            return self
                .poll_until(self.moved + STILLNESS, context)
                .map(|()| Err(io::ErrorKind::TimedOut.into()));
        }
        polled
    }

    fn wrote(
        &mut self,
        written: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if matches!(written, Poll::Ready(Ok(bytes)) if bytes > 0) {
            (self.moved, self.asked) = (Instant::now(), None);
        }
        self.while_moving(written, context)
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Patient<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(context, buffer);
        if read.is_ready() {
            if buffer.filled().len() > before {
                let now = Instant::now();
                self.moved = now;
                self.asked.get_or_insert(now);
            }
            return read;
        }
        // Nothing read says that nothing more comes; what is being done is still answered.
        if let Some(asked) = self.asked
            && Instant::now() < self.moved + STILLNESS
        {
            return self.poll_until(asked + PATIENCE, context).map(Ok);
        }
        self.while_moving(read, context)
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Patient<Io> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.wrote(written, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(context);
        self.while_moving(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.io).poll_shutdown(context);
        self.while_moving(shut, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(context, slices);
        self.wrote(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::timeout;

    use super::*;

    /// Runs it by a clock that stands while there is something to do, and then goes to the next timer.
    pub(in super::super) fn by_its_own_clock(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap()
            .block_on(test);
    }

    const MOMENT: Duration = Duration::from_millis(1);

    fn both() -> (DuplexStream, Patient<DuplexStream>) {
        let (client, server) = duplex(64);
        (client, Patient::new(server))
    }

    async fn reads(server: &mut Patient<DuplexStream>, sent: &str, client: &mut DuplexStream) {
        client.write_all(sent.as_bytes()).await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), sent.len());
    }

    fn is_about(begun: Instant, expected: Duration) {
        let took = begun.elapsed();
        assert!(took >= expected && took < expected + 5 * MOMENT, "{took:?}, and not {expected:?}");
    }

    #[test]
    fn who_has_begun_and_is_not_answered_is_at_an_end_also_behind_further_bytes() {
        by_its_own_clock(async {
            let (mut client, mut server) = both();
            let begun = Instant::now();
            reads(&mut server, "G", &mut client).await;
            timeout(PATIENCE / 3, server.read(&mut [0; 8])).await.unwrap_err();
            reads(&mut server, "E", &mut client).await;
            assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
            is_about(begun, PATIENCE);
            assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
            is_about(begun, PATIENCE);
            server.write_all(b"200").await.unwrap();
        });
    }

    #[test]
    fn an_answer_ends_the_asking_and_the_next_bytes_begin_it_anew() {
        by_its_own_clock(async {
            let (mut client, mut server) = both();
            for _ in 0..3 {
                timeout(STILLNESS - MOMENT, server.read(&mut [0; 8])).await.unwrap_err();
                reads(&mut server, "GET", &mut client).await;
                timeout(PATIENCE - MOMENT, server.read(&mut [0; 8])).await.unwrap_err();
                server.write_all(b"200").await.unwrap();
            }
            let begun = Instant::now();
            reads(&mut server, "G", &mut client).await;
            assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
            is_about(begun, PATIENCE);
        });
    }

    #[test]
    fn where_nothing_moves_reading_and_writing_break_off() {
        by_its_own_clock(async {
            let (mut client, mut server) = both();
            let begun = Instant::now();
            assert_eq!(server.read(&mut [0; 8]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
            is_about(begun, STILLNESS);
            let begun = Instant::now();
            assert_eq!(server.write_all(&[0; 65]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
            is_about(begun, STILLNESS);
            client.read_exact(&mut [0; 64]).await.unwrap();
            server.write_all(b"200").await.unwrap();
        });
    }
}
