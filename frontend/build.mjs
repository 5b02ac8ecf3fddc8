// Bundles every src/*.ts(x) and styles/*.css that is an entry point into ../webapp/static/dist, with hashed names and a
// manifest from logical name ("capture.js", "desk.css") to file. Files in src/ and styles/ that start with "_" are parts.
import { build } from "esbuild";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "../webapp/static/dist");
mkdirSync(dirname(dist), { recursive: true });
// Made beside it and moved at the end: a page never meets half a build, and two builds do not meet each other.
const out = mkdtempSync(`${dist}-`);
const entries = ["src", "styles"].flatMap((folder) =>
  readdirSync(join(here, folder), { withFileTypes: true })
    .filter((file) => file.isFile() && /\.(tsx?|css)$/.test(file.name) && !file.name.startsWith("_") && !file.name.endsWith(".d.ts"))
    .map((file) => join(here, folder, file.name)),
);

const { metafile } = await build({
  entryPoints: entries,
  outdir: out,
  entryNames: "[name]-[hash]",
  chunkNames: "chunk-[hash]",
  assetNames: "[name]-[hash]",
  loader: { ".woff2": "file" },
  publicPath: "/static/dist", // a style printed into a page finds its font from there
  bundle: true,
  splitting: true,
  format: "esm",
  minify: true,
  target: ["es2022", "safari16", "chrome110", "firefox115"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
});

const manifest = {};
for (const [file, made] of Object.entries(metafile.outputs)) {
  if (!made.entryPoint) continue;
  const name = basename(made.entryPoint).replace(/\.tsx?$/, ".js");
  manifest[name] = relative(out, join(process.cwd(), file));
}
// "watch.js+": small files that it, or what it fetches later, cannot begin without, named so that a page can ask for them
// at once: found one behind the other they would each cost a way over the phone's line.
const SMALL = 4096; // bytes before compression
const needs = (file, kinds) =>
  metafile.outputs[file].imports.filter(({ kind, external }) => !external && kinds.includes(kind)).map(({ path }) => path);
for (const [file, made] of Object.entries(metafile.outputs)) {
  if (!made.entryPoint?.endsWith(".ts")) continue;
  const wanted = new Set([file, ...needs(file, ["dynamic-import"])]);
  for (const one of wanted) for (const behind of needs(one, ["import-statement"])) wanted.add(behind);
  const small = [...wanted].filter((one) => one !== file && !needs(file, ["dynamic-import"]).includes(one));
  const names = small.filter((one) => metafile.outputs[one].bytes <= SMALL).map((one) => basename(one));
  if (names.length) manifest[`${basename(made.entryPoint).replace(/\.tsx?$/, ".js")}+`] = names.join(" ");
}
writeFileSync(join(out, "manifest.json"), JSON.stringify(manifest, null, 1));

// Compressed once, here; the web server sends these to browsers that take them.
for (const name of readdirSync(out).filter((name) => /\.(js|css)$/.test(name))) {
  const text = readFileSync(join(out, name));
  writeFileSync(join(out, `${name}.gz`), gzipSync(text, { level: 9 }));
  writeFileSync(join(out, `${name}.br`), brotliCompressSync(text));
}

const old = `${out}-old`;
try {
  renameSync(dist, old);
} catch (error) {
  if (error.code !== "ENOENT") throw error;
}
chmodSync(out, 0o755);
renameSync(out, dist);
rmSync(old, { recursive: true, force: true });
