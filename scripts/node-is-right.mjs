// Exits 1 with one clear sentence when the Node that runs this is not of the range that package.json asks for.
import { readFileSync } from "node:fs";

const wanted = JSON.parse(readFileSync("package.json", "utf8")).engines.node;
const [, floorMajor, floorMinor] = /^>=(\d+)\.(\d+) <\d+$/.exec(wanted).map(Number);
const [major, minor] = process.versions.node.split(".").map(Number);

if (major !== floorMajor || minor < floorMinor) {
  console.error(
    `Node ${process.versions.node} runs here, but ${wanted} is needed and has no package for this platform.`,
  );
  console.error("Put a suitable node first in PATH and run this again.");
  process.exit(1);
}
