// The tus server from npm, as its own documentation starts it: files in a folder, on a free port of this machine.
// Run with the front end's folder as the working directory, from where its packages are found:
// node --input-type=module - FOLDER < server.mjs; the first line it prints is its port.
import { FileStore } from "@tus/file-store";
import { Server } from "@tus/server";

const server = new Server({ path: "/files", datastore: new FileStore({ directory: process.argv[2] }), relativeLocation: true });
const listening = server.listen({ host: "127.0.0.1", port: 0 }, () => console.log(listening.address().port));
