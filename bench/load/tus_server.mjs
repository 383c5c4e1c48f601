// The rival: @tus/server with its file store. usage: node tus_server.mjs MODULES FOLDER
import { createRequire } from 'node:module'
const require = createRequire(process.argv[2] + '/')
const { Server } = require('@tus/server')
const { FileStore } = require('@tus/file-store')
const server = new Server({ path: '/files', datastore: new FileStore({ directory: process.argv[3] }) })
const listener = server.listen({ host: '127.0.0.1', port: 0 }, () => {
  console.log(`listening on http://127.0.0.1:${listener.address().port}`)
})
