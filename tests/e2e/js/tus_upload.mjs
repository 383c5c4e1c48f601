// One run of tus-js-client: node tus_upload.mjs '{"file": ..., "endpoint": ..., ...}'. Prints JSON: how it
// ended, the upload's URL, the image, and every request with its status and offset.
//   chunkSize, parallelUploads, protocol, overridePatchMethod, uploadDataDuringCreation: as the library's
//   metadata    {}, uploadUrl
//   urlStorage  file; with it an earlier upload of the same file is gone on with
//   abortAt     bytes: the upload is paused (abort) when so many were accepted or sent
//   deferred    the length is said at the end; the source is a stream
//   checksum    algorithm of Upload-Checksum for each chunk; wrongAt = the offset of a wrong one
//   terminate   URL: only ends that upload
import { createHash } from 'node:crypto'
import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { PassThrough } from 'node:stream'

const tus = createRequire(`${process.env.NPM_FOLDER}/`)('tus-js-client')
const want = JSON.parse(process.argv[2])
const report = { outcome: '', url: null, image: null, error: null, requests: [] }

function finish(outcome, error) {
  report.outcome = outcome
  report.error = error ? String(error.message ?? error) : null
  report.url = upload?.url ?? null
  console.log(JSON.stringify(report))
  process.exit(0)
}

let upload
if (want.terminate) {
  await tus.Upload.terminate(want.terminate, { retryDelays: [] }).then(
    () => finish('terminated'),
    (error) => finish('error', error),
  )
}

const size = statSync(want.file).size
function digestOf(offset) {
  const chunk = Buffer.alloc(Math.min(want.chunkSize, size - offset))
  const file = openSync(want.file, 'r')
  readSync(file, chunk, 0, chunk.length, offset)
  closeSync(file)
  return createHash(want.checksum).update(chunk).digest('base64')
}

const options = {
  endpoint: want.endpoint,
  uploadUrl: want.uploadUrl ?? null,
  metadata: want.metadata ?? { filename: 'tus-js.raw', filetype: 'application/octet-stream' },
  retryDelays: [],
  onBeforeRequest(request) {
    const method = request.getMethod()
    if (want.checksum && method === 'PATCH') {
      const offset = Number(request.getHeader('Upload-Offset'))
      const digest = digestOf(offset === want.wrongAt ? offset + 1 : offset)
      request.setHeader('Upload-Checksum', `${want.checksum} ${digest}`)
    }
  },
  onAfterResponse(request, response) {
    const offset = response.getHeader('Upload-Offset')
    report.requests.push({
      method: request.getMethod(),
      sent: request.getHeader('Upload-Offset') ?? null,
      status: response.getStatus(),
      offset: offset === undefined ? null : Number(offset),
      expires: response.getHeader('Upload-Expires') ?? null,
      interop: response.getHeader('Upload-Draft-Interop-Version') ?? null,
    })
    report.image = response.getHeader('Strata-Image') ?? report.image
  },
  onProgress(sent) {
    if (want.abortAt && sent >= want.abortAt) upload.abort().then(() => finish('aborted'))
  },
  onSuccess: () => finish('success'),
  onError: (error) => finish('error', error),
}
for (const key of ['chunkSize', 'parallelUploads', 'protocol', 'overridePatchMethod',
  'uploadDataDuringCreation']) {
  if (want[key] !== undefined) options[key] = want[key]
}
if (want.urlStorage) options.urlStorage = new tus.FileUrlStorage(want.urlStorage)

let source = createReadStream(want.file)
if (want.deferred) {
  options.uploadLengthDeferred = true
  // Without a path, so that the library cannot ask for the size.
  source = source.pipe(new PassThrough())
}
upload = new tus.Upload(source, options)
if (want.urlStorage) {
  const previous = await upload.findPreviousUploads()
  report.previous = previous.length
  if (previous.length > 0) upload.resumeFromPreviousUpload(previous[0])
}
upload.start()
