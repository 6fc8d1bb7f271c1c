//! A connection that is ended where somebody has begun to ask and is not answered: actix bounds the time of a first request's head
//! alone, and with half of a second one anybody could keep a connection for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::limits::ASKING_SECONDS_MAX;

/// What comes from a client is at its end once nothing has been written for so long since something came.
const PATIENCE: Duration = Duration::from_secs(ASKING_SECONDS_MAX);

/// A stream of bytes in both directions.
pub(super) struct Patient<Io> {
    io: Io,
    /// When the first bytes came since the last were written.
    asked: Option<Instant>,
    /// Wakes whoever reads; set once and not at every request, so it may be early.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<Io> Patient<Io> {
    pub(super) fn new(io: Io) -> Patient<Io> {
        Patient { io, asked: None, timer: None }
    }

    /// Ready once patience is at its end.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(asked) = self.asked else { return Poll::Pending };
        let end = asked + PATIENCE;
        loop {
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
            ready!(timer.as_mut().poll(context));
            if Instant::now() >= end {
                return Poll::Ready(());
            }
            timer.as_mut().reset(end);
        }
    }

    fn wrote(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(written, Poll::Ready(Ok(bytes)) if bytes > 0) {
            self.asked = None;
        }
        written
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
        if read.is_pending() {
            // Nothing read says that nothing more comes.
            return self.poll_end(context).map(Ok);
        }
        if buffer.filled().len() > before && self.asked.is_none() {
            self.asked = Some(Instant::now());
        }
        read
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Patient<Io> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.wrote(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(context, slices);
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::timeout;

    use super::*;

    /// Runs it by a clock that stands while there is something to do, and then goes to the next timer.
    fn by_its_own_clock(test: impl Future<Output = ()>) {
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

    /// How long it takes until there is nothing more to read.
    async fn ends_after(server: &mut Patient<DuplexStream>) -> Duration {
        let begun = Instant::now();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
        begun.elapsed()
    }

    fn is_about(took: Duration, expected: Duration) {
        assert!(took >= expected && took < expected + 5 * MOMENT, "{took:?}, and not {expected:?}");
    }

    #[test]
    fn who_has_begun_and_is_not_answered_is_at_an_end_also_behind_further_bytes() {
        by_its_own_clock(async {
            let (mut client, mut server) = both();
            client.write_all(b"G").await.unwrap();
            assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 1);
            let some = PATIENCE / 3;
            timeout(some, server.read(&mut [0; 8])).await.unwrap_err();
            client.write_all(b"E").await.unwrap();
            assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 1);
            is_about(ends_after(&mut server).await, PATIENCE - some);
            is_about(ends_after(&mut server).await, Duration::ZERO);
        });
    }

    #[test]
    fn an_answer_begins_it_anew_with_the_next_bytes_and_silence_is_borne() {
        by_its_own_clock(async {
            let (mut client, mut server) = both();
            for _ in 0..3 {
                timeout(3 * PATIENCE, server.read(&mut [0; 8])).await.unwrap_err();
                client.write_all(b"GET").await.unwrap();
                assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 3);
                timeout(PATIENCE - MOMENT, server.read(&mut [0; 8])).await.unwrap_err();
                server.write_all(b"200").await.unwrap();
            }
            client.write_all(b"G").await.unwrap();
            assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 1);
            is_about(ends_after(&mut server).await, PATIENCE);
        });
    }
}
