"""What the columns of an ObsCore table are called and mean.

Names, units, UCDs and utypes are those of the IVOA Recommendation ObsCore 1.1 (9 May 2017), appendix B and table 5. ``obs_title`` and
``dataproduct_subtype`` are optional there; ``em_filter_name``, and the columns behind it, are Rubin's.
"""

from __future__ import annotations

import pyarrow as pa

from gateway.tables.table import column

_TEXT, _REAL, _WHOLE = pa.string(), pa.float64(), pa.int64()
_AXIS = "Char.SpatialAxis."
_TIME = "Char.TimeAxis."
_WAVE = "Char.SpectralAxis."


def _standard(
    name: str, type: pa.DataType, utype: str, ucd: str, description: str, unit: str | None = None
) -> pa.Field:
    return column(name, type, unit=unit, ucd=ucd, utype=f"obscore:{utype}", description=description)


OBSCORE: tuple[pa.Field, ...] = (
    _standard(
        "dataproduct_type",
        _TEXT,
        "ObsDataset.dataProductType",
        "meta.code.class",
        "Data product (file content) primary type",
    ),
    _standard(
        "calib_level",
        pa.int32(),
        "ObsDataset.calibLevel",
        "meta.code;obs.calib",
        "Calibration level of the observation: in {0, 1, 2, 3, 4}",
    ),
    _standard("obs_collection", _TEXT, "DataID.collection", "meta.id", "Name of the data collection"),
    _standard("obs_id", _TEXT, "DataID.observationID", "meta.id", "Identifier of the observation"),
    _standard(
        "obs_publisher_did",
        _TEXT,
        "Curation.publisherDID",
        "meta.ref.ivoid",
        "Identifier of the dataset given by the publisher",
    ),
    _standard("access_url", _TEXT, "Access.reference", "meta.ref.url", "URL used to access the dataset"),
    _standard("access_format", _TEXT, "Access.format", "meta.code.mime", "Format of what access_url gives"),
    _standard(
        "access_estsize",
        _WHOLE,
        "Access.size",
        "phys.size;meta.file",
        "Size of the dataset's files, in units of 1000 bytes",
        "kbyte",
    ),
    _standard("target_name", _TEXT, "Target.name", "meta.id;src", "Object of interest"),
    _standard(
        "s_ra",
        _REAL,
        _AXIS + "Coverage.Location.Coord.Position2D.Value2.C1",
        "pos.eq.ra",
        "Central right ascension, ICRS",
        "deg",
    ),
    _standard(
        "s_dec",
        _REAL,
        _AXIS + "Coverage.Location.Coord.Position2D.Value2.C2",
        "pos.eq.dec",
        "Central declination, ICRS",
        "deg",
    ),
    _standard(
        "s_fov",
        _REAL,
        _AXIS + "Coverage.Bounds.Extent.diameter",
        "phys.angSize;instr.fov",
        "Diameter of a circle that contains the covered region",
        "deg",
    ),
    _standard(
        "s_region",
        _TEXT,
        _AXIS + "Coverage.Support.Area",
        "pos.outline;obs.field",
        "Sky region covered by the data product, ICRS, as STC-S",
    ),
    _standard(
        "s_resolution",
        _REAL,
        _AXIS + "Resolution.Refval.value",
        "pos.angResolution",
        "Spatial resolution of the data as FWHM of the PSF",
        "arcsec",
    ),
    _standard(
        "s_xel1",
        _WHOLE,
        _AXIS + "numBins1",
        "meta.number",
        "Number of elements along the first coordinate of the spatial axis",
    ),
    _standard(
        "s_xel2",
        _WHOLE,
        _AXIS + "numBins2",
        "meta.number",
        "Number of elements along the second coordinate of the spatial axis",
    ),
    _standard(
        "t_min",
        _REAL,
        _TIME + "Coverage.Bounds.Limits.StartTime",
        "time.start;obs.exposure",
        "Start time, MJD (UTC)",
        "d",
    ),
    _standard(
        "t_max",
        _REAL,
        _TIME + "Coverage.Bounds.Limits.StopTime",
        "time.end;obs.exposure",
        "Stop time, MJD (UTC)",
        "d",
    ),
    _standard(
        "t_exptime",
        _REAL,
        _TIME + "Coverage.Support.Extent",
        "time.duration;obs.exposure",
        "Total exposure time",
        "s",
    ),
    _standard(
        "t_resolution",
        _REAL,
        _TIME + "Resolution.Refval.value",
        "time.resolution",
        "Temporal resolution, FWHM",
        "s",
    ),
    _standard("t_xel", _WHOLE, _TIME + "numBins", "meta.number", "Number of elements along the time axis"),
    _standard(
        "em_min",
        _REAL,
        _WAVE + "Coverage.Bounds.Limits.LoLimit",
        "em.wl;stat.min",
        "Shortest wavelength, in vacuum",
        "m",
    ),
    _standard(
        "em_max",
        _REAL,
        _WAVE + "Coverage.Bounds.Limits.HiLimit",
        "em.wl;stat.max",
        "Longest wavelength, in vacuum",
        "m",
    ),
    _standard(
        "em_res_power",
        _REAL,
        _WAVE + "Resolution.ResolPower.refVal",
        "spect.resolution",
        "Resolving power along the spectral axis (R)",
    ),
    _standard(
        "em_xel", _WHOLE, _WAVE + "numBins", "meta.number", "Number of elements along the spectral axis"
    ),
    _standard("o_ucd", _TEXT, "Char.ObservableAxis.ucd", "meta.ucd", "Nature of the observable axis"),
    _standard(
        "pol_states",
        _TEXT,
        "Char.PolarizationAxis.stateList",
        "meta.code;phys.polarization",
        "List of polarization states present in the data",
    ),
    _standard(
        "pol_xel",
        _WHOLE,
        "Char.PolarizationAxis.numBins",
        "meta.number",
        "Number of elements along the polarization axis",
    ),
    _standard(
        "facility_name",
        _TEXT,
        "Provenance.ObsConfig.Facility.name",
        "meta.id;instr.tel",
        "The facility, telescope or space craft used for the observation",
    ),
    _standard("obs_title", _TEXT, "DataID.title", "meta.title;obs", "What the dataset is, in free form"),
    _standard(
        "instrument_name",
        _TEXT,
        "Provenance.ObsConfig.Instrument.name",
        "meta.id;instr",
        "The instrument used for the observation",
    ),
)

RUBIN: tuple[pa.Field, ...] = (
    _standard(
        "dataproduct_subtype",
        _TEXT,
        "ObsDataset.dataProductSubtype",
        "meta.code.class",
        "Data product specific type",
    ),
    column("em_filter_name", _TEXT, ucd="meta.id;instr.filter", description="The band of the observation"),
    column("lsst_visit", _WHOLE, ucd="meta.id;obs", description="The visit, or the exposure of a raw"),
    column("lsst_detector", _WHOLE, ucd="meta.id;instr.det", description="The detector"),
    column("lsst_tract", _WHOLE, ucd="meta.id", description="The tract of the sky map"),
    column("lsst_patch", _WHOLE, ucd="meta.id", description="The patch of the tract"),
    column("lsst_band", _TEXT, ucd="meta.id;instr.filter", description="The band, whatever the instrument"),
    column("lsst_filter", _TEXT, ucd="meta.id;instr.filter", description="The instrument's physical filter"),
    column("lsst_dataset_type", _TEXT, ucd="meta.code.class", description="The dataset type"),
    column("lsst_run", _TEXT, ucd="meta.id", description="The RUN collection that holds the dataset"),
    column("run", _TEXT, ucd="meta.id", description="The RUN collection that holds the dataset"),
    column("dataset_type", _TEXT, ucd="meta.code.class", description="The dataset type"),
)
