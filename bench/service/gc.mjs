// Loaded into a measured server by --import: on a message it collects garbage and says what is left.
process.on('message', () => {
  globalThis.gc()
  globalThis.gc()
  const { rss, heapUsed, external } = process.memoryUsage()
  process.send({ rss, heapUsed, external })
})
// The channel alone must not keep the process.
process.channel?.unref()
