//! The bucket: an object store in memory, whose reads can break off half-way (F27).

use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::nemesis::Nemesis;
use crate::ratio::Ratio;
use crate::seed::Stream;

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// The bucket of a run, as one loader sees it.
pub struct Bucket {
    objects: Arc<InMemory>,
    cut: Ratio,
    stream: Mutex<Stream>,
    nemesis: Nemesis,
}

impl Bucket {
    /// A view on the objects whose reads break off with that chance while faults are on.
    pub fn new(objects: Arc<InMemory>, cut: Ratio, stream: Stream, nemesis: Nemesis) -> Bucket {
        Bucket { objects, cut, stream: Mutex::new(stream), nemesis }
    }

    fn breaks_off(&self) -> Result<()> {
        if self.cut.is_zero() || self.nemesis.is_healed() {
            return Ok(());
        }
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        if stream.chance(self.cut) {
            self.nemesis.count("F27");
            let source = "connection closed before message completed".into();
            return Err(Error::Generic { store: "S3", source });
        }
        Ok(())
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").field("cut", &self.cut).finish_non_exhaustive()
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the simulated bucket")
    }
}

/// Written without the macro that the trait is declared with, so that no dependency is needed for
/// what only hands calls on.
impl ObjectStore for Bucket {
    fn put_opts<'s, 'p, 'r>(
        &'s self,
        location: &'p Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Answer<'r, PutResult>
    where
        's: 'r,
        'p: 'r,
        Self: 'r,
    {
        self.objects.put_opts(location, payload, options)
    }

    fn put_multipart_opts<'s, 'p, 'r>(
        &'s self,
        location: &'p Path,
        options: PutMultipartOptions,
    ) -> Answer<'r, Box<dyn MultipartUpload>>
    where
        's: 'r,
        'p: 'r,
        Self: 'r,
    {
        self.objects.put_multipart_opts(location, options)
    }

    fn get_opts<'s, 'p, 'r>(
        &'s self,
        location: &'p Path,
        options: GetOptions,
    ) -> Answer<'r, GetResult>
    where
        's: 'r,
        'p: 'r,
        Self: 'r,
    {
        match self.breaks_off() {
            Ok(()) => self.objects.get_opts(location, options),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.objects.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.objects.list(prefix)
    }

    fn list_with_delimiter<'s, 'p, 'r>(&'s self, prefix: Option<&'p Path>) -> Answer<'r, ListResult>
    where
        's: 'r,
        'p: 'r,
        Self: 'r,
    {
        self.objects.list_with_delimiter(prefix)
    }

    fn copy_opts<'s, 'f, 't, 'r>(
        &'s self,
        from: &'f Path,
        to: &'t Path,
        options: CopyOptions,
    ) -> Answer<'r, ()>
    where
        's: 'r,
        'f: 'r,
        't: 'r,
        Self: 'r,
    {
        self.objects.copy_opts(from, to, options)
    }
}
