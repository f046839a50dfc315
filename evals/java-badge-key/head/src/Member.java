package club;

record Member(long id, String name, String email) {}
