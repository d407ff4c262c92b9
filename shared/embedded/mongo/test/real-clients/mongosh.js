// Runs inside mongosh, which brings `db`, `print` and `use`.
/* global db, print */
const shop = db.getSiblingDB("shop");
shop.items.insertMany([
  { _id: 1, n: 1, kind: "a" },
  { _id: 2, n: 2, kind: "b" },
  { _id: 3, n: 3, kind: "a" },
]);
print(`collections: ${shop.getCollectionNames()}`);
print(
  `found: ${shop.items
    .find({ n: { $gt: 1 } })
    .sort({ n: -1 })
    .toArray()
    .map(({ _id }) => _id)}`,
);
const groups = [{ $group: { _id: "$kind", sum: { $sum: "$n" } } }, { $sort: { _id: 1 } }];
print(
  `groups: ${shop.items
    .aggregate(groups)
    .toArray()
    .map(({ _id, sum }) => `${_id}${sum}`)}`,
);
print(`updated: ${shop.items.updateOne({ _id: 1 }, { $set: { x: 1 } }).modifiedCount}`);
print(`deleted: ${shop.items.deleteOne({ _id: 3 }).deletedCount}`);
print(`index: ${shop.items.createIndex({ n: 1 })}`);
print(`plan: ${shop.items.find({ n: 2 }).explain().queryPlanner.winningPlan.inputStage.indexName}`);
const session = db.getMongo().startSession();
session.startTransaction();
const inside = session.getDatabase("shop").items;
inside.insertOne({ _id: 9 });
print(`inside: ${inside.countDocuments({})} outside: ${shop.items.countDocuments({})}`);
session.commitTransaction();
print(`committed: ${shop.items.countDocuments({})}`);
print(`members: ${rs.status().members.length}`);
print(`size: ${shop.items.stats().count}`);
try {
  shop.createCollection("log", { capped: true, size: 4096 });
} catch (error) {
  print(`refused: ${error.code}`);
}
