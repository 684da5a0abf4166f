import { Readable } from 'node:stream'
import type { S3Client } from '@aws-sdk/client-s3'
import { GloveboxError } from '@glovebox/he'
import { noObject, type ObjectEntry, type ObjectStore, prefixOf, segmentsOf } from './objects.ts'
import { until } from './stream.ts'

/** An S3-compatible storage. Credentials come from where AWS's tools take them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, the machine's role. */
export interface S3Options {
  readonly bucket: string
  /** Before all keys, with a slash at its end; default ''. */
  readonly prefix?: string | undefined
  /** URL of the service; default: AWS's own. */
  readonly endpoint?: string | undefined
  /** Default: AWS_REGION, else us-east-1, which other services ignore. */
  readonly region?: string | undefined
  /** Bucket in the path instead of the host name; default: with an endpoint. */
  readonly pathStyle?: boolean | undefined
}

/** Of a multipart upload, of which one is in memory at a time; S3's least. 10,000 of them are 50 GB. */
const partBytes = 5 * 2 ** 20

/**
 * Objects in a bucket. Larger ones are multipart uploads, which appear when they are whole; parts that a crash left take room unseen: give the bucket a
 * lifecycle rule for incomplete uploads.
 */
export async function openS3(options: S3Options): Promise<ObjectStore> {
  const { bucket: Bucket, prefix: base = '', endpoint, region = process.env.AWS_REGION ?? 'us-east-1' } = options
  const [s3, { Upload }] = await Promise.all([import('@aws-sdk/client-s3'), import('@aws-sdk/lib-storage')])
  prefixOf(base)
  const client: S3Client = new s3.S3Client({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    forcePathStyle: options.pathStyle ?? endpoint !== undefined,
    // Others do not know AWS's newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: 5000, requestTimeout: 60_000 },
  })
  const keyOf = (key: string): string => base + segmentsOf(key).join('/')

  return {
    async put(key, body, { signal } = {}) {
      const Key = keyOf(key)
      let bytes = 0
      let failed: { error: unknown } | undefined
      async function* counted(): AsyncGenerator<Uint8Array> {
        const pieces = until(body, signal)
        try {
          for (;;) {
            // Around this alone: a stream that is given up throws into its generator.
            const next = await pieces.next().catch((error: unknown) => {
              failed = { error }
              throw error
            })
            if (next.done) return
            bytes += next.value.length
            if (next.value.length > 0) yield next.value
          }
        } finally {
          await pieces.return(undefined)
        }
      }
      const source = Readable.from(counted(), { objectMode: true, highWaterMark: 1 })
      const upload = new Upload({ client, params: { Bucket, Key, Body: source }, partSize: partBytes, queueSize: 1 })
      try {
        await storing(() => upload.done())
      } catch (error) {
        source.destroy()
        throw failed ? failed.error : error
      }
      return bytes
    },
    async *get(key) {
      const Key = keyOf(key)
      const { Body } = await storing(() => client.send(new s3.GetObjectCommand({ Bucket, Key }))).catch(
        (error: unknown) => {
          throw isMissing(error) ? noObject(key, error) : error
        },
      )
      const pieces = (Body as Readable)[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
      try {
        for (;;) {
          const next = await storing(() => pieces.next())
          if (next.done) return
          yield next.value
        }
      } finally {
        ;(Body as Readable).destroy()
      }
    },
    async size(key) {
      const Key = keyOf(key)
      try {
        const { ContentLength } = await storing(() => client.send(new s3.HeadObjectCommand({ Bucket, Key })))
        return ContentLength
      } catch (error) {
        if (isMissing(error)) return undefined
        throw error
      }
    },
    async delete(key) {
      const Key = keyOf(key)
      await storing(() => client.send(new s3.DeleteObjectCommand({ Bucket, Key }))).catch((error: unknown) => {
        if (!isMissing(error)) throw error
      })
    },
    async *list(prefix): AsyncGenerator<ObjectEntry> {
      prefixOf(prefix)
      let ContinuationToken: string | undefined
      do {
        const page = await storing(() =>
          client.send(new s3.ListObjectsV2Command({ Bucket, Prefix: base + prefix, ContinuationToken })),
        )
        for (const { Key, Size = 0, LastModified } of page.Contents ?? [])
          if (Key !== undefined)
            yield { key: Key.slice(base.length), bytes: Size, modified: LastModified?.getTime() ?? Date.now() }
        ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined
      } while (ContinuationToken !== undefined)
    },
    async ready() {
      await storing(() => client.send(new s3.HeadBucketCommand({ Bucket }))).catch((error: unknown) => {
        // The answer to HEAD has no body that names the error.
        throw isMissing(error) ? unusable(noBucket, error) : error
      })
    },
    close: async () => client.destroy(),
  }
}

interface S3Failure {
  readonly name?: string
  readonly code?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number }
}

const isMissing = (error: unknown): boolean => {
  const { name, $metadata } = error as S3Failure
  return name === 'NoSuchKey' || (name !== 'NoSuchBucket' && $metadata?.httpStatusCode === 404)
}

const noBucket = 'there is no such bucket'

const unusable = (reason: string, cause: unknown): GloveboxError =>
  new GloveboxError('unavailable', `the object store cannot be used: ${reason}`, { cause })

/** Errors in words, without hosts: clients see them. */
async function storing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { name = '', code, $metadata } = error as S3Failure
    const status = $metadata?.httpStatusCode ?? 0
    let reason: string | undefined
    if (name === 'NoSuchBucket') reason = noBucket
    else if (status === 401 || status === 403 || name === 'CredentialsProviderError')
      reason = 'it refuses the credentials'
    else if (status === 429 || status >= 500 || name === 'TimeoutError' || typeof code === 'string')
      reason = status > 0 ? `it answered ${status}` : 'no connection'
    if (reason === undefined) throw error
    throw unusable(reason, error)
  }
}
