import { defineEntity, MikroORM, p } from "@mikro-orm/mongodb";
import { ObjectId } from "mongodb";

const Author = defineEntity({
  name: "Author",
  properties: {
    _id: p.type(ObjectId).primary(),
    id: p.string().serializedPrimaryKey(),
    name: p.string().unique(),
    age: p.integer().nullable(),
    books: () => p.oneToMany(Book).mappedBy("author"),
  },
});
const Book = defineEntity({
  name: "Book",
  properties: {
    _id: p.type(ObjectId).primary(),
    id: p.string().serializedPrimaryKey(),
    title: p.string().index(),
    author: () => p.manyToOne(Author),
  },
});

const orm = await MikroORM.init({
  entities: [Author, Book],
  clientUrl: process.argv[2],
  dbName: "orm",
  implicitTransactions: true,
});
await orm.schema.create();
const writing = orm.em.fork();
const author = writing.create(Author, { name: "Jon", age: 3 });
for (const title of ["One", "Two"]) writing.create(Book, { title, author });
await writing.flush();

const reading = orm.em.fork();
const found = await reading.findOneOrFail(Author, { name: "Jon" }, { populate: ["books"] });
console.log(`books: ${found.books.getItems().map(({ title }) => title)}`);
found.age = 4;
await reading.flush();
console.log(`older: ${(await orm.em.fork().findOne(Author, { age: { $gte: 4 } })).name}`);

const twin = orm.em.fork();
twin.create(Author, { name: "Jon" });
await twin.flush().catch((error) => console.log(`twin: ${error.constructor.name}`));
const undone = orm.em.fork();
await undone
  .transactional(async (inner) => {
    inner.create(Author, { name: "Nobody" });
    await inner.flush();
    throw new Error("undo");
  })
  .catch((error) => console.log(`rolled back: ${error.message}`));
console.log(`authors: ${await orm.em.fork().count(Author)}`);
await orm.close();
