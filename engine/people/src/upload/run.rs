//! An upload from its first octet to its last.

use std::time::Duration;

use signalbox_core::time::Micros;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc;

use super::apply::Applied;
use super::rows::{self, Chunk, Item};
use super::{Upload, UploadOrder, UploadState};
use crate::error::PeopleError;
use crate::id::Scope;
use crate::store::People;

/// Octets of a chunk.
const CHUNK: usize = 256 << 10;
/// Chunks that wait for the thread that reads rows.
const CHUNKS: usize = 4;
/// Batches that wait for the database.
const BATCHES: usize = 1;
/// A source that gives nothing for so long has failed.
const SILENCE: Duration = Duration::from_secs(60);
/// The same batch is tried so often when another writer was in the way.
const TRIES: usize = 5;

impl People {
    /// Does an upload that [`People::start_upload`] noted, and says how it ended. A file with faults ends as
    /// [`UploadState::Failed`] with the reason in `problem`; what was stored before stays.
    ///
    /// # Errors
    /// When the database fails; the upload is noted as failed then, if that can be.
    pub async fn run_upload(
        &self,
        upload: &Upload,
        order: &UploadOrder,
        source: impl AsyncRead + Unpin,
        clock: impl Fn() -> Micros,
    ) -> Result<Upload, PeopleError> {
        let (chunks, chunks_out) = mpsc::channel(CHUNKS);
        let (items, items_out) = mpsc::channel(BATCHES);
        let plan = order.clone();
        let rows = tokio::task::spawn_blocking(move || rows::read(&plan, chunks_out, &items));
        let ((), stored) = tokio::join!(feed(source, chunks), self.store(upload, order, items_out, &clock));
        let panicked = rows.await.is_err();
        let (state, problem) = match &stored {
            Ok(None) if panicked => (UploadState::Failed, Some("the file cannot be read".to_owned())),
            Ok(None) => (UploadState::Done, None),
            Ok(Some(problem)) => (UploadState::Failed, Some(problem.clone())),
            Err(_) => (UploadState::Failed, Some("the database has failed".to_owned())),
        };
        // What was cancelled stays so.
        let ended = self.end_upload(upload.id, state, problem.as_deref(), clock()).await;
        stored?;
        ended?;
        let upload = self.upload(&Scope::All, upload.id).await?;
        upload.ok_or_else(|| PeopleError::absent("upload", "that was under way"))
    }

    /// Stores all batches; a problem of the file in words.
    async fn store(
        &self,
        upload: &Upload,
        order: &UploadOrder,
        mut items: mpsc::Receiver<Item>,
        clock: impl Fn() -> Micros,
    ) -> Result<Option<String>, PeopleError> {
        let mut columns = None;
        while let Some(item) = items.recv().await {
            match item {
                Item::Columns(found) => columns = Some(found),
                Item::Failed(problem) => return Ok(Some(problem)),
                Item::Batch(batch) => {
                    let Some(columns) = &columns else { continue };
                    let (mut tries, mut stored) = (0, 0);
                    let applied = loop {
                        match self.apply(upload, order, columns, &batch, &mut stored, clock()).await {
                            Ok(applied) => break applied,
                            Err(PeopleError::Busy) if tries < TRIES => tries += 1,
                            Err(error) => return Err(error),
                        }
                    };
                    match applied {
                        Applied::Stored => {}
                        Applied::Stopped => return Ok(None),
                    }
                }
            }
        }
        Ok(None)
    }
}

/// Reads the source chunk by chunk, as fast as rows are taken.
async fn feed(mut source: impl AsyncRead + Unpin, chunks: mpsc::Sender<Chunk>) {
    loop {
        let mut chunk = Vec::with_capacity(CHUNK);
        let ended = loop {
            match tokio::time::timeout(SILENCE, source.read_buf(&mut chunk)).await {
                Ok(Ok(0)) => break None,
                Ok(Ok(_)) if chunk.len() < CHUNK / 2 => {}
                Ok(Ok(_)) => break Some(Ok(())),
                Ok(Err(error)) => break Some(Err(error)),
                Err(_elapsed) => {
                    let silence = format!("the source gave nothing for {} s", SILENCE.as_secs());
                    break Some(Err(std::io::Error::new(std::io::ErrorKind::TimedOut, silence)));
                }
            }
        };
        let (chunk, last) = match ended {
            Some(Ok(())) => (Ok(chunk), false),
            Some(Err(error)) => (Err(error), true),
            None => (Ok(chunk), true),
        };
        // Nobody takes chunks when the upload was stopped.
        if chunks.send(chunk).await.is_err() || last {
            return;
        }
    }
}
