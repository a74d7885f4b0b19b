"""The users of make bench, as FastAPI's and SQLAlchemy's own tutorials write them. BENCH_CONNECTION is persistent or
per-request."""
import os
import uuid
from datetime import datetime

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, EmailStr, Field
from sqlalchemy import Column, DateTime, Text, func, select
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import declarative_base, sessionmaker
from sqlalchemy.pool import NullPool

url, _, options = os.environ["DATABASE_URL"].partition("?")  # asyncpg takes sslmode under another name
engine = create_async_engine(
    url.replace("postgresql://", "postgresql+asyncpg://", 1),
    connect_args={"ssl": "require"} if "sslmode=require" in options else {},
    **({"poolclass": NullPool} if os.environ["BENCH_CONNECTION"] == "per-request" else {}))
new_session = sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
Base = declarative_base()
app = FastAPI()


class User(Base):
    __tablename__ = "users"
    __mapper_args__ = {"eager_defaults": True}  # INSERT ... RETURNING, as the others do it

    id = Column(UUID(as_uuid=True), primary_key=True, server_default=func.gen_random_uuid())
    email = Column(Text, nullable=False)
    name = Column(Text, nullable=False)
    created_at = Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    updated_at = Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    deleted_at = Column(DateTime(timezone=True))


class NewUser(BaseModel):
    email: EmailStr
    name: str = Field(min_length=1, max_length=200)


class ShownUser(BaseModel):
    id: uuid.UUID
    email: str
    name: str
    created_at: datetime
    updated_at: datetime

    class Config:
        orm_mode = True  # pydantic 1
        from_attributes = True  # pydantic 2


async def session():
    async with new_session() as opened:
        yield opened


@app.get("/")
async def root():
    return {"message": "fastapi", "status": "running", "version": "1"}


@app.get("/users/{user_id}", response_model=ShownUser)
async def show_user(user_id: uuid.UUID, db: AsyncSession = Depends(session)):
    user = (await db.execute(select(User).where(User.id == user_id, User.deleted_at.is_(None)))).scalar_one_or_none()
    if user is None:
        raise HTTPException(404, "User not found")
    return user


@app.post("/users", response_model=ShownUser, status_code=201)
async def create_user(new: NewUser, db: AsyncSession = Depends(session)):
    user = User(email=new.email, name=new.name)
    db.add(user)
    try:
        await db.commit()
    except IntegrityError:
        raise HTTPException(409, "A user with this email exists already") from None
    return user
