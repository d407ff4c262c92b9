// Plain JavaScript, since it has to run on a Node.js that is too old.
const [major] = process.versions.node.split(".").map(Number);
if (major < 24) {
  process.stderr.write(
    `kinit-fast-task runs on Node.js 24, this is ${process.versions.node}.\n` +
      "Node.js 24 comes with the project's packages: install them with scripts enabled (npm ci), then use npm run,\n" +
      "npm start or npx node, which put it first. With --ignore-scripts it is missing.\n",
  );
  process.exit(1);
}
